import { Hono } from 'hono';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import { findRelease } from '../built-in.ts';
import type { Hub } from '../hub.ts';
import { bodyReader } from './body.ts';

const Install = Type.Object(
  {
    /** Path of an artifact with `.bundle.json` beside it, or the id of a built-in plugin. */
    source: Type.String({ minLength: 1, maxLength: 4096 }),
  },
  { additionalProperties: false },
);

export function pluginRoutes(hub: Hub): Hono {
  const readInstall = bodyReader(Install);
  return new Hono()
    .get('/', async (context) =>
      context.json({
        plugins: hub.plugins
          .list()
          .map(({ manifest, digest, publisher }) => ({ manifest, digest, publisher })),
        refused: hub.plugins.refused(),
        hosts: (await hub.pool.stats()).hosts,
      }),
    )
    .post('/', async (context) => {
      const release = await findRelease(hub.folder, (await readInstall(context)).source);
      const { manifest, digest, publisher } = await hub.plugins.install(release);
      hub.broker.request(manifest.id);
      return context.json({ manifest, digest, publisher }, 201);
    })
    .post('/verify', async (context) => context.json({ refused: await hub.plugins.verify() }))
    .delete('/:namespace/:name', async (context) => {
      const { namespace, name } = context.req.param();
      const id = pluginId(`${namespace}/${name}`);
      await hub.pool.stop(id);
      await hub.plugins.remove(id);
      return context.json({ removed: id });
    });
}
