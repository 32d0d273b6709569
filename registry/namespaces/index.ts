export { isAlike } from './alike.ts';
export { claimNamespace, loggedName, type NamespaceParts } from './claim.ts';
export { keyringOf, signersNow } from './keyring.ts';
export { KeyRequest, namespaceRoutes } from './routes.ts';
