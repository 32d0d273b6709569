import { Hono } from 'hono';
import { requireAdmin } from '../auth/index.ts';
import { invalid, jsonReply } from '../http/index.ts';
import type { Parts } from '../parts.ts';

const PAGE = 500;

/** Who did what on this registry. */
export function auditRoutes(parts: Parts): Hono {
  const app = new Hono();
  const { store } = parts;
  app.get('/v1/admin/audit', (context) => {
    requireAdmin(parts.caller(context));
    const since = context.req.query('since') ?? '1';
    if (!/^[0-9]{1,15}$/u.test(since)) throw invalid('since', 'is no whole number');
    const records = store.audit.from(Number(since), PAGE);
    return jsonReply({ records: records.map(({ sequence, record }) => ({ sequence, ...record })) });
  });
  app.get('/v1/admin/audit/verify', (context) => {
    requireAdmin(parts.caller(context));
    return jsonReply({ head: store.audit.verify() });
  });
  return app;
}
