export { TufClient } from './client.ts';
export { tufSigner, type TufKey, type TufSigner } from './keys.ts';
export { TufRepository, makeOnlineKeys } from './repository.ts';
export { draftRoot, signRoot } from './root.ts';
