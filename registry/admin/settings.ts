import { Hono } from 'hono';
import { requireAdmin } from '../auth/index.ts';
import { bodyReader, jsonReply } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import { Settings, readSettings, writeSettings } from '../settings.ts';

const readNewSettings = bodyReader(Settings);

export function settingsRoutes(parts: Parts): Hono {
  const app = new Hono();
  const { store } = parts;
  app.get('/v1/admin/settings', (context) => {
    requireAdmin(parts.caller(context));
    return jsonReply(readSettings(store));
  });
  app.put('/v1/admin/settings', async (context) => {
    const caller = parts.caller(context);
    requireAdmin(caller);
    const settings = await readNewSettings(context.req.raw);
    store.transaction(() => {
      writeSettings(store, settings);
      const detail = JSON.stringify(settings);
      parts.audit({ actor: caller.actor, act: 'settings.set', target: 'registry', detail });
    });
    return jsonReply(settings);
  });
  return app;
}
