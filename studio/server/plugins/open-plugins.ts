import type { Broker, Bus, Clock, HostPool } from '@runtime-hub/kernel';
import { openPluginStore, type PluginStore } from '../store/plugin-store.ts';
import type { RunReader } from '../store/store.ts';
import { HUB_VERSION } from '../version.ts';
import { Installer } from './installer.ts';
import { LogWatch } from './log-watch.ts';
import { openPolicy, type PolicyFile } from './policy-file.ts';
import { Registries } from './registries.ts';
import { obeyLog } from './revocations.ts';
import { UnsignedPlugins } from './unsigned.ts';

/** What is installed, whom it may come from, and what the logs of these say. */
export interface PluginParts {
  readonly policy: PolicyFile;
  readonly registries: Registries;
  readonly plugins: PluginStore;
}

/** Opens the policy and verifies every stored version by it, and by the logs as far as they were read; asks nobody. */
export async function openPlugins(
  folder: string,
  { bus, clock }: { readonly bus: Bus; readonly clock: Clock },
): Promise<PluginParts> {
  const policy = openPolicy(folder);
  const registries = await Registries.open({ folder, clock, policy });
  const { keyrings, lineOf, revocationOf } = registries;
  const plugins = await openPluginStore({
    ...{ folder, policy: policy.policy, hubVersion: HUB_VERSION },
    ...{ events: bus, now: () => clock.now(), keyrings, lineOf, revocationOf },
  });
  policy.onChange((changed) => plugins.follow(changed));
  return { policy, registries, plugins };
}

/** What people, and the logs, do with plugins. */
export interface PluginFlows {
  readonly installer: Installer;
  readonly unsigned: UnsignedPlugins;
  readonly watch: LogWatch;
}

export interface FlowPorts extends PluginParts {
  readonly folder: string;
  readonly dev: boolean;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly broker: Broker;
  readonly pool: HostPool;
  readonly runs: RunReader;
}

/** Wires the flows; following the logs begins with `watch.follow()`. */
export async function openFlows(ports: FlowPorts): Promise<PluginFlows> {
  const installer = new Installer({ ...ports, events: ports.bus });
  const unsigned = new UnsignedPlugins(ports);
  await unsigned.clear();
  obeyLog({ ...ports, events: ports.bus });
  const watch = new LogWatch({ ...ports, seldom: async () => await installer.updateUnasked() });
  return { installer, unsigned, watch };
}
