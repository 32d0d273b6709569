import { mkdirSync } from 'node:fs';
import {
  createBroker,
  createBus,
  createEngine,
  createHostPool,
  prepareOperations,
  type Activation,
  type Broker,
  type Bus,
  type Engine,
  type HostPool,
} from '@runtime-hub/kernel';
import { createLauncher, type Launcher } from '@runtime-hub/plugin-sdk/hosting';
import { limitsOf } from '@runtime-hub/plugin-sdk/artifact';
import { createBlobs, type Blobs } from './services/blobs-service.ts';
import { openServices } from './services/open-services.ts';
import { withoutSecrets } from './services/secrets/without-secrets.ts';
import { openSecrets, type Secrets } from './services/secrets/secret-store.ts';
import { createMeter } from './meter.ts';
import { daily } from './store/audit-retention.ts';
import { withoutDeniedHosts } from './plugins/denied-hosts.ts';
import {
  openFlows,
  openPlugins,
  type PluginFlows,
  type PluginParts,
} from './plugins/open-plugins.ts';
import { openStore, type Store } from './store/store.ts';
import { systemClock, systemIds } from './system.ts';

export interface HubOptions {
  /** Data folder; made when missing. One hub at a time (HUB_BUSY). */
  readonly folder: string;
  /** X display that driver plugins get; the process's own by default. */
  readonly display?: string;
  readonly maxParallelSteps?: number;
  /** Lets developers load plugins that nobody signed. */
  readonly dev?: boolean;
}

/** Every part of a running hub, wired. Closing it ends all hosts and leaves open runs for the next start. */
export interface Hub extends AsyncDisposable, PluginParts, PluginFlows {
  readonly folder: string;
  readonly startedAt: number;
  readonly bus: Bus;
  readonly broker: Broker;
  readonly engine: Engine;
  readonly pool: HostPool;
  readonly launcher: Launcher;
  readonly store: Store;
  readonly blobs: Blobs;
  readonly secrets: Secrets;
  readonly activations: Map<string, Activation>;
}

// oxlint-disable max-lines-per-function -- the composition root reads as one list
/** The composition root: opens the stores, verifies every installed plugin, wires the kernel and resumes open runs. */
export async function openHub(options: HubOptions): Promise<Hub> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  await using opened = new AsyncDisposableStack();
  const clock = systemClock;
  const bus = createBus({ clock });
  const store = opened.adopt(await openStore(options.folder), async (it) => await it.close());
  const parts = await openPlugins(options.folder, { bus, clock });
  opened.use(parts.registries);
  const { plugins } = parts;
  const meter = createMeter({ bus, clock, plugins, store: store.meter });
  const blobs = opened.adopt(createBlobs({ clock, meter }), (it) => it.close());
  const secrets = openSecrets(options.folder, clock);
  const events = withoutSecrets(bus, secrets.redactor);
  const services = openServices({
    ...{ folder: options.folder, clock, events, state: store.state, blobs, secrets },
    networks: plugins.policy.networks ?? [],
    ...(options.display === undefined ? {} : { display: options.display }),
  });
  const broker = createBroker({
    clock,
    ids: systemIds,
    plugins,
    grants: store.grants,
    audit: meter.audit(store.audit),
    events: bus,
    services: services.all.map((it) => withoutDeniedHosts(it, () => plugins.policy)),
    provider: { serve: async (to, request, signal) => await pool.serve(to, request, signal) },
    autoGrant: plugins.policy.autoGrant,
  });
  const launcher = createLauncher({
    minIsolation: plugins.policy.minIsolation,
    ...(options.display === undefined ? {} : { display: options.display }),
  });
  const pool: HostPool = createHostPool({
    launcher,
    plugins,
    gate: broker,
    limitsOf: (plugin) => {
      const { stepMs: _ofTheEngine, ...limits } = limitsOf(plugins.policy, plugin);
      return limits;
    },
    blobs: blobs.access,
    events,
    clock,
    ids: systemIds,
  });
  opened.defer(async () => await pool.close());
  opened.use(meter);
  const engine = createEngine({
    clock,
    ids: systemIds,
    journal: store.journal,
    plugins,
    executor: pool,
    listener: pool,
    permissions: broker,
    events: bus,
    limits: {
      maxParallelSteps: options.maxParallelSteps ?? 256,
      stepMs: (plugin) => limitsOf(plugins.policy, plugin).stepMs ?? Infinity,
    },
  });
  opened.defer(async () => await engine.close());
  bus.on((event) => {
    if (event.type === 'run.finished') services.runEnded(event.run);
  });
  broker.onChange((plugin) => engine.permissionsChanged(plugin));
  const flows = await openFlows({
    ...{ ...parts, folder: options.folder, dev: options.dev ?? false },
    ...{ bus, clock, broker, pool, runs: store.runs },
  });
  opened.use(flows.watch);
  services.retain(await store.journal.open());
  opened.use(daily(clock, async () => await store.audit.retain(clock.now())));
  await engine.recover();
  // Once what waits for the hub to be ready has had its turn.
  const used = plugins.list().flatMap((it) => it.manifest.permissions.map((one) => one.capability));
  setTimeout(() => prepareOperations(used), 200).unref();
  flows.watch.follow();
  const owned = opened.move();
  return {
    folder: options.folder,
    startedAt: clock.now(),
    bus,
    broker,
    engine,
    pool,
    launcher,
    ...parts,
    ...flows,
    store,
    blobs,
    secrets,
    activations: new Map(),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
