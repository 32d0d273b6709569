import { Hono } from 'hono';
import {
  CapabilityNameSchema,
  PluginIdSchema,
  TargetSchema,
  WorkspaceSchema,
} from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import type { Hub } from '../hub.ts';
import { bodyReader } from './body.ts';

const Decision = Type.Object(
  {
    plugin: PluginIdSchema,
    /** All that the manifest asks for when left out. */
    capability: Type.Optional(CapabilityNameSchema),
    /** Narrower than what the manifest asks for. */
    target: Type.Optional(TargetSchema),
    ratePerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    /** Milliseconds since 1970. */
    until: Type.Optional(Type.Number()),
    /** Everywhere when left out. */
    workspace: Type.Optional(WorkspaceSchema),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
    by: Type.String({ minLength: 1, maxLength: 100 }),
  },
  { additionalProperties: false },
);

export function permissionRoutes(hub: Hub): Hono {
  const read = bodyReader(Decision);
  return new Hono()
    .get('/', (context) => context.json({ grants: hub.broker.list() }))
    .get('/audit', (context) => context.json({ records: hub.store.audit.list({ limit: 500 }) }))
    .post('/approve', async (context) => {
      const decision = await read(context);
      const approve = () => hub.broker.approve(decision);
      return context.json({ grants: hub.installer.deciding(decision, approve) });
    })
    .post('/deny', async (context) =>
      context.json({ grants: hub.broker.deny(await read(context)) }),
    )
    .post('/revoke', async (context) => {
      return context.json({ grants: hub.broker.revoke(await read(context)) });
    });
}
