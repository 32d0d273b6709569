import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import type { Hub } from '../hub.ts';

const QUEUE_LENGTH = 10_000;

/** `GET /`: events as JSON lines from now on, or from after `?since=` as far as they are still kept. */
export function eventRoutes(hub: Hub): Hono {
  return new Hono().get('/', (context) => {
    const since = context.req.query('since');
    const subscription = hub.bus.subscribe({
      capacity: QUEUE_LENGTH,
      ...(since === undefined ? {} : { since: Number(since) }),
    });
    return stream(context, async (out) => {
      out.onAbort(() => subscription[Symbol.dispose]());
      await out.write(`${JSON.stringify({ subscribed: true })}\n`);
      for await (const event of subscription) await out.write(`${JSON.stringify(event)}\n`);
    });
  });
}
