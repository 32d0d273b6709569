import { Hono } from 'hono';
import { keep, keptReply } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import { countOf } from './log-routes.ts';

const MAX_CHANGES = 1000;

/** What is new in the log, and what of it revokes. */
export function feedRoutes({ log }: Parts): Hono {
  const app = new Hono();
  app.get('/v1/changes', (context) => {
    const since = countOf(context, 'since', 0);
    const limit = Math.min(countOf(context, 'limit', MAX_CHANGES), MAX_CHANGES);
    const size = log.size();
    const entries = log
      .leaves(since, limit)
      .map((leaf, at) => ({ index: since + at, leaf: leaf.toString('base64') }));
    return keptReply(context.req.raw, keep(JSON.stringify({ size, entries })));
  });
  app.get('/v1/revocations', (context) =>
    keptReply(
      context.req.raw,
      keep(JSON.stringify(log.revocations(countOf(context, 'since', 0), MAX_CHANGES))),
    ),
  );
  return app;
}
