import { Hono } from 'hono';
import { examineMachine } from '@runtime-hub/plugin-sdk/hosting';
import type { Hub } from '../hub.ts';
import { examinePrograms } from '../services/process/confinement.ts';

export function doctorRoutes(hub: Hub): Hono {
  return new Hono().get('/', async (context) =>
    context.json({
      findings: [...(await examineMachine({ launcher: hub.launcher })), await examinePrograms()],
    }),
  );
}
