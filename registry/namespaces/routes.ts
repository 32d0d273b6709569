import { Hono } from 'hono';
import * as Type from 'typebox';
import { LogEvent } from '@runtime-hub/plugin-sdk/contract';
import { requireNamespaceKeeper } from '../auth/index.ts';
import { bodyReader, jsonReply } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import { loggedName, recordKey } from './claim.ts';
import { keyringOf } from './keyring.ts';

const [, , Key] = LogEvent.anyOf;
const { hint, spki, role, notAfter, revokedFrom, endorsements } = Key.properties;
/** `change` recovered is for admins: it begins a new line of keys after a cool-down. */
export const KeyRequest = Type.Object(
  {
    change: Type.Unsafe<'added' | 'revoked' | 'recovered'>({
      enum: ['added', 'revoked', 'recovered'],
    }),
    hint,
    spki,
    role,
    notAfter,
    revokedFrom,
    endorsements,
    reason: Type.String({ minLength: 1, maxLength: 1000 }),
  },
  { additionalProperties: false },
);
const readKeyRequest = bodyReader(KeyRequest);

/** Namespaces and their keys. */
export function namespaceRoutes(parts: Parts): Hono {
  const app = new Hono();
  const { access, store, log } = parts;
  app.get('/v1/namespaces/:namespace', (context) => {
    const row = access.requireRead(
      parts.caller(context),
      context.req.param('namespace'),
      'namespace',
    );
    const { name, visibility, salt } = row;
    const keys = keyringOf(store, name, log.origin);
    const secret = visibility === 'private' ? { salt } : {};
    return jsonReply({ name, visibility, loggedAs: loggedName(row, name), ...secret, keys });
  });
  app.post('/v1/namespaces/:namespace/keys', async (context) => {
    const caller = parts.caller(context);
    const namespace = access.requireRead(caller, context.req.param('namespace'), 'namespace');
    const change = await readKeyRequest(context.req.raw);
    requireNamespaceKeeper(caller, namespace.name, change.change === 'recovered');
    const { actor } = caller;
    const logIndex = store.transaction(() => {
      const index = recordKey(parts, namespace, { ...change, actor });
      const target = `${namespace.name}#${change.hint}`;
      parts.audit({ actor, act: `key.${change.change}`, target, detail: change.reason });
      return index;
    });
    return jsonReply({ namespace: namespace.name, hint: change.hint, logIndex }, 201);
  });
  return app;
}
