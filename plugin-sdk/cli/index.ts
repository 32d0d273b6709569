export { packPlugin } from './pack-plugin.ts';
