import { Hono } from 'hono';
import { HubError, type Discovery } from '@runtime-hub/plugin-sdk/contract';
import {
  adminNamespaceRoutes,
  auditRoutes,
  backupRoutes,
  reviewRoutes,
  settingsRoutes,
  tokenRoutes,
  workloadRoutes,
} from './admin/index.ts';
import { authRoutes } from './auth/index.ts';
import { catalogRoutes, feedRoutes, fetchRoutes, logRoutes } from './catalog/index.ts';
import {
  PLAIN,
  addressOf,
  jsonReply,
  keep,
  keptReply,
  notFound,
  problemResponse,
  rateLimit,
} from './http/index.ts';
import { namespaceRoutes } from './namespaces/index.ts';
import { OPEN_API } from './open-api.ts';
import { pageRoutes } from './pages/index.ts';
import type { Parts } from './parts.ts';
import { attestationRoutes, publishRoutes } from './publish/index.ts';
import { readSettings } from './settings.ts';

/** One line of the log. */
export type Report = (line: Readonly<Record<string, unknown>>) => void;

const ROUTES = [
  catalogRoutes,
  fetchRoutes,
  logRoutes,
  feedRoutes,
  publishRoutes,
  attestationRoutes,
  namespaceRoutes,
  pageRoutes,
  adminNamespaceRoutes,
  tokenRoutes,
  settingsRoutes,
  workloadRoutes,
  reviewRoutes,
  auditRoutes,
  backupRoutes,
  stateRoutes,
] as const;

/** All of the registry's HTTP interface. */
export function createApp(parts: Parts, report: Report): Hono {
  const app = new Hono();
  const reads = rateLimit(parts.limits.readsPerMinute, parts.clock);
  app.use(async (context, next) => {
    const started = performance.now();
    reads.take(addressOf(context));
    await next();
    parts.meter.request(context.res.status, performance.now() - started);
  });
  app.onError((error, context) => {
    if (!(error instanceof HubError))
      report({
        level: 'error',
        event: 'mistake',
        method: context.req.method,
        error: String(error),
      });
    return problemResponse(error);
  });
  app.notFound(() => problemResponse(notFound('address')));
  for (const routes of ROUTES) app.route('/', routes(parts));
  const { store, clock, log } = parts;
  app.route('/', authRoutes({ store, clock, audience: log.origin }, parts.rates.guesses));
  return app;
}

/** What the registry is, and how it is. */
function stateRoutes(parts: Parts): Hono {
  const app = new Hono();
  const api = keep(JSON.stringify(OPEN_API));
  app.get('/v1/', (context) =>
    keptReply(context.req.raw, keep(JSON.stringify(discoveryOf(parts)))),
  );
  app.get('/v1/openapi.json', (context) => keptReply(context.req.raw, api));
  app.get('/v1/tuf/*', (context) => {
    const bytes = parts.root.read(context.req.path.slice('/v1/tuf/'.length));
    if (bytes === null) throw notFound('file');
    return new Response(new Uint8Array(bytes), {
      headers: { ...PLAIN, 'content-type': 'application/json', 'cache-control': 'no-cache' },
    });
  });
  app.get('/healthz', () => jsonReply({ status: 'ok' }));
  app.get('/readyz', () => {
    // Asks the database, so that an answer means that it answers.
    const { readOnly } = readSettings(parts.store);
    return jsonReply({ status: 'ready', readOnly, logSize: parts.log.size() });
  });
  app.get('/metrics', () => {
    const gauges = {
      log_size: parts.log.size(),
      versions: parts.store.versions.count(),
      plugins_listed: parts.store.listed.count(),
      memory_bytes: process.memoryUsage.rss(),
    };
    const headers = { ...PLAIN, 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
    return new Response(parts.meter.text(gauges), { headers });
  });
  return app;
}

function discoveryOf({ store, log, limits, root }: Parts): Discovery {
  return {
    api: 1,
    origin: log.origin,
    title: readSettings(store).title,
    logKey: log.spki,
    tufRootSha256: root.sha256,
    limits: { artifactBytes: limits.artifactBytes, bundleBytes: limits.bundleBytes },
    oidcIssuers: [...store.workloads.issuers()],
  };
}
