export { concealed, newSalt } from './conceal.ts';
export { openLogKey } from './keys.ts';
export { openLog, type Log } from './log.ts';
