export {
  createAccess,
  publisherNamespace,
  requireAdmin,
  requireKeeper,
  requireNamespaceKeeper,
  requirePublisher,
  requireReviewer,
  type Access,
  type Caller,
} from './access.ts';
export { makeToken, type TokenWish } from './tokens.ts';
export { authRoutes, ExchangeRequest } from './routes.ts';
