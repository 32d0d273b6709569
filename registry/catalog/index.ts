export { feedRoutes } from './feed-routes.ts';
export { fetchRoutes } from './fetch-routes.ts';
export { logRoutes } from './log-routes.ts';
export { catalogRoutes } from './routes.ts';
export { parseQuestion } from './search.ts';
