import { Hono } from 'hono';
import * as Type from 'typebox';
import { NAMESPACE_PATTERN } from '@runtime-hub/plugin-sdk/contract';
import { requireAdmin } from '../auth/index.ts';
import { bodyReader, jsonReply } from '../http/index.ts';
import { claimNamespace, loggedName } from '../namespaces/index.ts';
import type { Parts } from '../parts.ts';

const NamespaceName = Type.String({ pattern: NAMESPACE_PATTERN });
export const NewNamespace = Type.Object(
  {
    name: NamespaceName,
    visibility: Type.Unsafe<'public' | 'private'>({ enum: ['public', 'private'] }),
    review: Type.Optional(Type.Boolean()),
    /** Namespaces it may be taken for, once the admin has looked at them. */
    despite: Type.Optional(Type.Array(NamespaceName, { maxItems: 20 })),
  },
  { additionalProperties: false },
);
const readNamespace = bodyReader(NewNamespace);

/** Who may have which name. */
export function adminNamespaceRoutes(parts: Parts): Hono {
  const app = new Hono();
  const { store } = parts;
  app.post('/v1/admin/namespaces', async (context) => {
    const caller = parts.caller(context);
    requireAdmin(caller);
    const { review = false, despite = [], ...wish } = await readNamespace(context.req.raw);
    const row = store.transaction(() => {
      const made = claimNamespace(parts, { ...wish, review, despite });
      const { name: target, visibility: detail } = wish;
      parts.audit({ actor: caller.actor, act: 'namespace.add', target, detail });
      return made;
    });
    const { name, visibility } = row;
    return jsonReply({ name, visibility, review, loggedAs: loggedName(row, name) }, 201);
  });
  app.get('/v1/admin/namespaces', (context) => {
    requireAdmin(parts.caller(context));
    const all = store.namespaces.all();
    const namespaces = all.map(({ name, visibility, review }) => ({ name, visibility, review }));
    return jsonReply({ namespaces });
  });
  return app;
}
