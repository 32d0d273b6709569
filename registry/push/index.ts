export { attachPush } from './push.ts';
