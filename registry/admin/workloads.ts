import { Hono } from 'hono';
import * as Type from 'typebox';
import { NAMESPACE_PATTERN, PluginIdSchema } from '@runtime-hub/plugin-sdk/contract';
import { requireAdmin } from '../auth/index.ts';
import { bodyReader, invalid, jsonReply, notFound } from '../http/index.ts';
import type { Parts } from '../parts.ts';

const closed = { additionalProperties: false } as const;
const IssuerName = Type.String({ pattern: '^https?://[^\\s#?]{1,480}$' });
/** Keys given here are never fetched; otherwise `jwksUrl` is, over https or from loopback. */
export const NewIssuer = Type.Union([
  Type.Object(
    {
      issuer: IssuerName,
      jwks: Type.Object({
        keys: Type.Array(Type.Object({ kty: Type.String() }), { minItems: 1, maxItems: 20 }),
      }),
    },
    closed,
  ),
  Type.Object(
    {
      issuer: IssuerName,
      jwksUrl: Type.String({ pattern: '^(https://|http://127\\.0\\.0\\.1[:/])[^\\s]{1,480}$' }),
    },
    closed,
  ),
]);
/** All claims must be equal; names can be given to somebody else, so `sub` or an id must be among them. */
export const NewWorkload = Type.Object(
  {
    namespace: Type.String({ pattern: NAMESPACE_PATTERN }),
    plugin: Type.Optional(PluginIdSchema),
    issuer: IssuerName,
    claims: Type.Record(
      Type.String({ pattern: '^[a-z_]{2,64}$' }),
      Type.String({ minLength: 1, maxLength: 500 }),
      {
        minProperties: 1,
        maxProperties: 20,
      },
    ),
  },
  closed,
);
const readIssuer = bodyReader(NewIssuer);
const readWorkload = bodyReader(NewWorkload);

/** Which build jobs may publish what. */
export function workloadRoutes(parts: Parts): Hono {
  const app = new Hono();
  const { store, audit } = parts;
  app.post('/v1/admin/issuers', async (context) => {
    const caller = parts.caller(context);
    requireAdmin(caller);
    const { issuer, ...keys } = await readIssuer(context.req.raw);
    const kept = 'jwks' in keys ? { jwks: keys.jwks } : { url: keys.jwksUrl };
    store.transaction(() => {
      store.workloads.setIssuer({ issuer, keys: JSON.stringify(kept) });
      audit({ actor: caller.actor, act: 'issuer.set', target: issuer, detail: '' });
    });
    return jsonReply({ issuer }, 201);
  });
  app.post('/v1/admin/workloads', async (context) => {
    const caller = parts.caller(context);
    requireAdmin(caller);
    const { namespace, plugin = null, issuer, claims } = await readWorkload(context.req.raw);
    if (store.namespaces.get(namespace) === null) throw notFound('namespace');
    if (store.workloads.issuer(issuer) === null) throw notFound('issuer');
    if (plugin !== null && !plugin.startsWith(`${namespace}/`))
      throw invalid('plugin', 'is of another namespace');
    if (!['sub', 'repository_id'].some((it) => Object.hasOwn(claims, it)))
      throw invalid('claims', 'must hold sub or repository_id');
    store.transaction(() => {
      store.workloads.add({ namespace, plugin, issuer, claims: JSON.stringify(claims) });
      audit({
        actor: caller.actor,
        act: 'workload.add',
        target: plugin ?? namespace,
        detail: issuer,
      });
    });
    return jsonReply({ namespace, plugin, issuer, claims }, 201);
  });
  return app;
}
