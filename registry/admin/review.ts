import { Hono } from 'hono';
import { requireReviewer } from '../auth/index.ts';
import { jsonReply } from '../http/index.ts';
import type { Parts } from '../parts.ts';

/** What waits for a person, or for its time. */
export function reviewRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get('/v1/admin/review', (context) => {
    requireReviewer(parts.caller(context));
    const waiting = parts.store.versions.open().map((row) => ({
      id: row.plugin,
      version: row.version,
      digest: row.digest,
      state: row.state,
      reason: row.reason,
      publisher: row.publisher,
      publishedAt: row.publishedAt,
      heldUntil: row.heldUntil,
      findings: parsed(row.findings),
    }));
    return jsonReply({ waiting });
  });
  return app;
}

const parsed = (text: string): unknown => JSON.parse(text);
