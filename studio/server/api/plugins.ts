import { Hono, type Context } from 'hono';
import { parseWorkflow } from '@runtime-hub/kernel';
import {
  HubError,
  PLUGIN_ID_PATTERN,
  pluginId,
  reportOf,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import type { Hub } from '../hub.ts';
import { offersOf } from '../plugins/find-version.ts';
import type { Outcome } from '../plugins/installer.ts';
import { migrateWorkflow } from '../plugins/migrate.ts';
import { lockWorkflow, pluginView, previewView, whyView } from './plugin-views.ts';
import { bodyReader } from './body.ts';

const closed = { additionalProperties: false } as const;
const Source = Type.String({ minLength: 1, maxLength: 4096 });
const Approve = Type.Optional(Type.Boolean());
const Range = Type.Optional(Type.String({ minLength: 1, maxLength: 64 }));
const By = Type.Optional(Type.String({ minLength: 1, maxLength: 100 }));
/** `source`: path of an artifact with `.bundle.json` beside it, id of a built-in plugin, or `namespace/name[@range]`. */
const Install = Type.Object({ source: Source, approve: Approve, by: By }, closed);
const Update = Type.Object({ range: Range, approve: Approve, by: By }, closed);
const Pin = Type.Object({ pinned: Type.Boolean() }, closed);
const Lock = Type.Object({ workflow: Type.Unknown() }, closed);
const Dev = Type.Object({ source: Source }, closed);

export function pluginRoutes(hub: Hub): Hono {
  const { installer, plugins, pool } = hub;
  const readInstall = bodyReader(Install);
  const readLock = bodyReader(Lock);
  const readDev = bodyReader(Dev);
  return new Hono()
    .get('/', async (context) => context.json(await listOf(hub)))
    .post('/', async (context) => {
      const { source, approve = false, by = 'install' } = await readInstall(context);
      const outcome = await installer.install(source, { approve });
      return context.json(outcomeView(hub, outcome, { approve, by }), 201);
    })
    .post('/verify', async (context) => context.json({ refused: await plugins.verify() }))
    .post('/lock', async (context) => {
      const { workflow } = await readLock(context);
      return context.json({ workflow: lockWorkflow(hub, parseWorkflow(workflow)) });
    })
    .post('/migrate', async (context) => {
      const { workflow } = await readLock(context);
      return context.json({ workflow: await migrateWorkflow(hub, parseWorkflow(workflow)) });
    })
    .post('/dev', async (context) => {
      const loaded = await hub.unsigned.load((await readDev(context)).source);
      return context.json(pluginView(hub, loaded), 201);
    })
    .get('/search', async (context) => context.json(await search(hub, context)))
    .route('/', onePluginRoutes(hub))
    .delete('/:namespace/:name', async (context) => {
      const id = idOf(context);
      const version = context.req.query('version');
      const digest = version === undefined ? undefined : plugins.get(id, version)?.digest;
      if (version === undefined || digest !== undefined)
        await pool.stop(id, digest === undefined ? {} : { digest });
      await plugins.remove(id, version);
      pool.release(id);
      return context.json({ removed: id, ...(version === undefined ? {} : { version }) });
    });
}

/** What is done with one plugin. */
function onePluginRoutes(hub: Hub): Hono {
  const { installer, plugins, registries } = hub;
  const readUpdate = bodyReader(Update);
  const readPin = bodyReader(Pin);
  return new Hono()
    .get('/:namespace/:name', async (context) => {
      const id = idOf(context);
      const { client, versions } = await offersOf(registries, id);
      const offered = versions.map(({ manifest, ...it }) => ({ ...it, runtime: manifest.runtime }));
      const installed = plugins.get(id);
      return context.json({
        id,
        origin: client.origin,
        newest: versions[0]?.manifest ?? null,
        versions: offered,
        installed: installed === null ? null : pluginView(hub, installed),
      });
    })
    .get('/:namespace/:name/why', (context) => context.json(whyView(hub, idOf(context))))
    .get('/:namespace/:name/preview', async (context) =>
      context.json(await previewView(hub, idOf(context), context.req.query('range') ?? '*')),
    )
    .post('/:namespace/:name/update', async (context) => {
      const { approve = false, by = 'update', range = '*' } = await readUpdate(context);
      const outcome = await installer.update(idOf(context), { approve, range });
      return context.json(outcomeView(hub, outcome, { approve, by }));
    })
    .post('/:namespace/:name/rollback', (context) =>
      context.json(pluginView(hub, installer.rollback(idOf(context)))),
    )
    .post('/:namespace/:name/pin', async (context) => {
      const { pinned } = await readPin(context);
      plugins.pin(idOf(context), pinned);
      return context.json({ id: idOf(context), pinned });
    });
}

async function listOf(hub: Hub) {
  const { plugins, pool, store } = hub;
  const now = Date.now();
  return {
    plugins: plugins.list().map((it) => pluginView(hub, it)),
    refused: plugins.refused(),
    hosts: (await pool.stats()).hosts,
    used: { today: store.meter.totals(1, now), last30Days: store.meter.totals(30, now) },
  };
}

/** What became of it; who approves it has seen what it asks for, and grants that. */
function outcomeView(
  hub: Hub,
  { plugin, ...outcome }: Outcome,
  { approve, by }: { readonly approve: boolean; readonly by: string },
) {
  if (approve) hub.broker.approve({ plugin: plugin.manifest.id, by });
  return { ...pluginView(hub, plugin), ...outcome };
}

/** Asks every registry; one that fails is named, and keeps nobody from the others' answers. */
async function search({ registries }: Hub, context: Context) {
  const { q = '', ...filters } = context.req.query();
  const asked = registries.all().map(async (client) => {
    try {
      const { items } = await client.search({ text: q, ...filters });
      return { origin: client.origin, items, error: null };
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      return { origin: client.origin, items: [], error: { ...reportOf(error), cure: error.cure } };
    }
  });
  return { registries: await Promise.all(asked) };
}

function idOf(context: Context): PluginId {
  const { namespace = '', name = '' } = context.req.param() as Record<string, string>;
  const id = `${namespace}/${name}`;
  if (new RegExp(PLUGIN_ID_PATTERN, 'u').test(id)) return pluginId(id);
  throw new HubError('HUB_REQUEST_INVALID', {
    field: 'plugin',
    value: id,
    cure: 'Name a plugin as namespace/name.',
  });
}
