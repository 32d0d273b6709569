import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HubError, ERROR_TABLE, reportOf, type ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import type { Hub } from '../hub.ts';
import { HUB_VERSION } from '../version.ts';
import { auditRoutes } from './audit.ts';
import { doctorRoutes } from './doctor.ts';
import { eventRoutes } from './events.ts';
import { logRoutes } from './log.ts';
import { observeRoutes } from './observe.ts';
import { permissionRoutes } from './permissions.ts';
import { pluginRoutes } from './plugins.ts';
import { registryRoutes } from './registries.ts';
import { runRoutes } from './runs.ts';
import { secretRoutes } from './secrets.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** The whole API, for the owner of the data folder: served on the hub's socket, never on a network port. */
export function createApp(hub: Hub, stop: () => void): Hono {
  const app = withErrors(new Hono());
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }));
  app.get('/healthz', (context) => context.json(healthOf(hub)));
  app.route('/api/v1/plugins', pluginRoutes(hub));
  app.route('/api/v1/registries', registryRoutes(hub));
  app.route('/api/v1/log', logRoutes(hub));
  app.route('/api/v1/permissions/observe', observeRoutes(hub));
  app.route('/api/v1/permissions', permissionRoutes(hub));
  app.route('/api/v1/audit', auditRoutes(hub));
  app.route('/api/v1/secrets', secretRoutes(hub));
  app.route('/api/v1/runs', runRoutes(hub));
  app.route('/api/v1/events', eventRoutes(hub));
  app.route('/api/v1/doctor', doctorRoutes(hub));
  app.post('/api/v1/stop', (context) => {
    setImmediate(stop);
    return context.json({ stopping: true });
  });
  return app;
}

/** The error itself would end as a bare 500. */
const tooLarge = (context: Context): Response =>
  context.json({ code: 'TOO_LARGE', message: 'The request is larger than 64 MiB.' }, 413);

/** Answers every error as `{ code, message, data, retryable, cure }`; what is no HubError becomes a bare 500. */
export function withErrors(app: Hono): Hono {
  app.onError((error, context) => {
    if (!(error instanceof HubError)) {
      console.error(error);
      return context.json(
        { code: 'INTERNAL', message: 'The hub made a mistake; its log says more.' },
        500,
      );
    }
    const row = ERROR_TABLE[error.code as ErrorCode];
    // SAFETY: the table holds only HTTP error statuses.
    return context.json({ ...reportOf(error), cure: error.cure }, row.status as 400);
  });
  return app.notFound((context) =>
    context.json({ code: 'NOT_FOUND', message: `There is nothing at ${context.req.path}` }, 404),
  );
}

/** What health checks and the status page show. */
export function healthOf(hub: Hub): {
  status: 'ok';
  version: string;
  uptimeMs: number;
  rssBytes: number;
  plugins: number;
  refused: number;
} {
  return {
    status: 'ok',
    version: HUB_VERSION,
    uptimeMs: Math.round(performance.timeOrigin + performance.now() - hub.startedAt),
    rssBytes: process.memoryUsage.rss(),
    plugins: hub.plugins.list().length,
    refused: hub.plugins.refused().length,
  };
}
