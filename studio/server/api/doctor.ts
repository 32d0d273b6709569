import { Hono } from 'hono';
import { examineHub } from '../doctor.ts';
import type { Hub } from '../hub.ts';

export function doctorRoutes(hub: Hub): Hono {
  return new Hono().get('/', async (context) =>
    context.json({ findings: await examineHub({ launcher: hub.launcher }) }),
  );
}
