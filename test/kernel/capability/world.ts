import { createBroker, createBus, type Clock, type Service } from '@runtime-hub/kernel';
import type { InstalledPlugin, Provider } from '@runtime-hub/kernel';
import {
  pluginId,
  runId,
  type CapabilityName,
  type HubEvent,
  type Json,
  type Permission,
  type PluginId,
  type Grant,
  type AuditRecord,
} from '@runtime-hub/plugin-sdk/contract';
import { installedPlugin } from '../../support/installed-plugin.ts';

export const plugin = pluginId('core/mouse');
export const provider = pluginId('core/screen');
export const caller = {
  plugin,
  run: runId('run-0001'),
  workspace: 'default',
  workflow: 'w',
  node: 'n',
  host: 'h',
};

/** A clock that stands until it is moved; its timers fire when it passes them. */
export function fakeClock() {
  const timers = new Set<{ readonly at: number; readonly fn: () => void }>();
  let now = 1000;
  const clock: Clock = {
    now: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
  };
  const advance = (ms: number) => {
    now += ms;
    for (const timer of timers) {
      if (timer.at > now || !timers.delete(timer)) continue;
      timer.fn();
    }
  };
  return { clock, advance, timers };
}

export const ask = (
  capability: CapabilityName,
  target = '*',
  ratePerSecond?: number,
): Permission => ({
  capability,
  target,
  reason: 'to test',
  ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
});

export const installed = (
  id: PluginId,
  permissions: readonly Permission[],
  provides: CapabilityName[] = [],
): InstalledPlugin => installedPlugin({ id, permissions: [...permissions], provides });

/** A broker with everything around it in memory. */
export function world(
  permissions: readonly Permission[],
  options: {
    readonly autoGrant?: readonly CapabilityName[];
    readonly services?: readonly Service[];
    readonly serve?: Provider['serve'];
    readonly stored?: readonly Grant[];
    readonly withoutProvider?: boolean;
  } = {},
) {
  const { clock, advance, timers } = fakeClock();
  const plugins = new Map([[plugin, installed(plugin, permissions)]]);
  if (options.withoutProvider !== true) {
    plugins.set(provider, installed(provider, [], ['screen.capture', 'input.mouse']));
  }
  const stored = new Map((options.stored ?? []).map((grant) => [grant.id, grant]));
  const audit: AuditRecord[] = [];
  const events: HubEvent[] = [];
  let ids = 0;
  const bus = createBus({ clock });
  bus.on((event) => void events.push(event));
  const broker = createBroker({
    clock,
    ids: { next: () => `id-${String((ids += 1))}` },
    plugins: { get: (id) => plugins.get(id) ?? null, list: () => [...plugins.values()] },
    grants: { list: () => [...stored.values()], put: (grant) => void stored.set(grant.id, grant) },
    audit: { append: (record) => void audit.push(record) },
    events: bus,
    services: options.services ?? [],
    provider: { serve: options.serve ?? (async () => await Promise.resolve(acted)) },
    autoGrant: options.autoGrant ?? [],
  });
  const click = async (at: Json, extra: Readonly<Record<string, Json>> = {}, signal = never) =>
    await broker.call(
      caller,
      {
        capability: 'input.mouse',
        operation: 'act',
        args: { action: 'click', at, button: 'left', ...extra },
      },
      signal,
    );
  return { advance, audit, broker, click, clock, events, plugins, stored, timers };
}

export const acted = { x: 1, y: 2, actedAt: 3 };
const never = new AbortController().signal;
