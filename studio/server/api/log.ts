import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import { NAMESPACE_PATTERN, HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Hub } from '../hub.ts';
import { watchNamespace } from '../plugins/log-entries.ts';

/** `GET /watch?namespace=`: what the logs of all registries say of a namespace, as JSON lines, first what is known, then what comes. */
export function logRoutes(hub: Hub): Hono {
  return new Hono().get('/watch', (context) => {
    const namespace = context.req.query('namespace') ?? '';
    if (!new RegExp(NAMESPACE_PATTERN, 'u').test(namespace))
      throw new HubError('HUB_REQUEST_INVALID', {
        field: 'namespace',
        value: namespace,
        cure: 'Name a namespace, e.g. acme.',
      });
    const entries = watchNamespace(hub.registries, namespace);
    return stream(context, async (out) => {
      out.onAbort(() => void entries.return());
      await out.write(`${JSON.stringify({ watching: namespace })}\n`);
      for await (const entry of entries) await out.write(`${JSON.stringify(entry)}\n`);
    });
  });
}
