import { Hono } from 'hono';
import * as Type from 'typebox';
import type { Hub } from '../hub.ts';
import { bodyReader } from './body.ts';

const Add = Type.Object(
  {
    url: Type.String({ pattern: '^https?://[^ ?#]+$', maxLength: 2048 }),
    /** SHA-256, hex, of its TUF root or of its log's key. */
    fingerprint: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{64}$' })),
    /** What may come from it; all when left out. */
    namespaces: Type.Optional(Type.Array(Type.String({ maxLength: 80 }), { minItems: 1 })),
    /** Nowhere else may these come from. */
    exclusive: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** The registries of the trust policy, and how it stands with following their logs. */
export function registryRoutes(hub: Hub): Hono {
  const { registries, watch } = hub;
  const readAdd = bodyReader(Add);
  return new Hono()
    .get('/', (context) => {
      const followed = new Map(watch.list().map((it) => [it.origin, it]));
      const list = registries.list().map((it) => ({ ...it, ...followed.get(it.origin) }));
      return context.json({ registries: list });
    })
    .post('/', async (context) => {
      const { namespaces = ['*/*'], exclusive = false, ...more } = await readAdd(context);
      const added = await registries.add({ ...more, namespaces, exclusive });
      await watch.read(added.origin);
      watch.follow();
      return context.json(added, 201);
    })
    .delete('/:origin', (context) => {
      const origin = context.req.param('origin');
      registries.remove(origin);
      watch.follow();
      return context.json({ removed: origin });
    });
}
