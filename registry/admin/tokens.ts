import { Hono } from 'hono';
import * as Type from 'typebox';
import { NAMESPACE_PATTERN, PLUGIN_ID_PATTERN } from '@runtime-hub/plugin-sdk/contract';
import { makeToken, requireAdmin, type TokenWish } from '../auth/index.ts';
import { bodyReader, invalid, jsonReply, notFound } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import { TOKEN_SCOPES, type TokenScope } from '../store/index.ts';

export const NewToken = Type.Object(
  {
    scope: Type.Unsafe<TokenScope>({ enum: [...TOKEN_SCOPES] }),
    namespace: Type.Optional(Type.String({ pattern: NAMESPACE_PATTERN })),
    plugin: Type.Optional(Type.String({ pattern: PLUGIN_ID_PATTERN })),
    note: Type.String({ maxLength: 200 }),
    /** At most a year; 90 days when left out. */
    days: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 366 })),
  },
  { additionalProperties: false },
);
const readToken = bodyReader(NewToken);
const DEFAULT_DAYS = 90;
const DAY_MS = 86_400_000;

/** Tokens of people, machines and admins. */
export function tokenRoutes(parts: Parts): Hono {
  const app = new Hono();
  const { store, clock } = parts;
  app.post('/v1/admin/tokens', async (context) => {
    const caller = parts.caller(context);
    requireAdmin(caller);
    const given = await readToken(context.req.raw);
    const { scope, namespace = null, plugin = null, note, days = DEFAULT_DAYS } = given;
    const wish = { scope, namespace, plugin, note, expiresAt: clock.now() + days * DAY_MS };
    checkBinding(parts, wish);
    const made = store.transaction(() => {
      const token = makeToken(store, clock, wish);
      const detail = [scope, plugin ?? namespace ?? 'registry'].join(' ');
      parts.audit({ actor: caller.actor, act: 'token.add', target: token.id, detail });
      return token;
    });
    return jsonReply({ ...made, expiresAt: wish.expiresAt }, 201);
  });
  app.get('/v1/admin/tokens', (context) => {
    requireAdmin(parts.caller(context));
    return jsonReply({ tokens: store.tokens.all() });
  });
  app.delete('/v1/admin/tokens/:id', (context) => {
    const caller = parts.caller(context);
    requireAdmin(caller);
    const target = context.req.param('id');
    store.transaction(() => {
      if (!store.tokens.end(target, clock.now())) throw notFound('token');
      parts.audit({ actor: caller.actor, act: 'token.end', target, detail: '' });
    });
    return new Response(null, { status: 204 });
  });
  return app;
}

/** A token of an author is bound to a namespace; one of the registry's people to none. */
function checkBinding({ store }: Parts, { scope, namespace, plugin }: TokenWish): void {
  const isOfRegistry = scope === 'admin' || scope === 'review';
  if (isOfRegistry && namespace !== null) throw invalid('namespace', `does not go with ${scope}`);
  if (scope === 'publish' && namespace === null) throw invalid('namespace', 'is needed to publish');
  if (namespace !== null && store.namespaces.get(namespace) === null) throw notFound('namespace');
  if (plugin !== null && plugin.split('/')[0] !== namespace)
    throw invalid('plugin', 'is of another namespace');
}
