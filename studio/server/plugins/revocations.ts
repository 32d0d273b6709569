import type { Clock, EventSink, HostPool } from '@runtime-hub/kernel';
import type { LoggedEvent } from '@runtime-hub/plugin-sdk/artifact';
import { errorOf, type LogEvent } from '@runtime-hub/plugin-sdk/contract';
import type { PluginStore } from '../store/plugin-store.ts';
import { revokedError } from '../store/plugin-records.ts';
import type { RunReader } from '../store/store.ts';
import type { StoredVersion } from '../store/stored-versions.ts';
import { namespaceOf, type Registries } from './registries.ts';
import { namesUsing } from './usage.ts';

export interface RevocationPorts {
  readonly plugins: PluginStore;
  readonly registries: Registries;
  readonly pool: HostPool;
  readonly runs: RunReader;
  readonly events: EventSink;
  readonly clock: Clock;
}

type StateEvent = Extract<LogEvent, { readonly event: 'state' }>;

/**
 * Acts on what a log, verified leaf by leaf, says of versions that are stored here: one that is revoked is stopped at once
 * and never starts again; where a key was revoked, what it signed after is no longer loaded.
 */
export function obeyLog(ports: RevocationPorts): void {
  ports.registries.onEvents(async (origin, events) => {
    const revoked = events.filter((it) => isRevocation(it.event));
    for (const it of revoked) await stopRevoked(ports, origin, it);
    if (events.some(({ event }) => event.event === 'key' && event.change === 'revoked'))
      await stopUntrusted(ports, origin);
  });
}

const isRevocation = (event: LogEvent): event is StateEvent =>
  event.event === 'state' && event.to === 'revoked';

async function stopRevoked(
  ports: RevocationPorts,
  origin: string,
  { index, event }: LoggedEvent,
): Promise<void> {
  if (!isRevocation(event)) return;
  const { plugins, events, clock, pool, runs } = ports;
  const { digest, reason } = event;
  const stored = await storedAs(ports, origin, event);
  if (stored === null) return;
  const { id: plugin, version } = stored.manifest;
  const isCurrent = plugins.get(plugin)?.digest === digest;
  const about = { plugin, version, reason, origin, logIndex: index, at: event.at };
  if (!plugins.revoke(digest, about)) return;
  const workflows = [...namesUsing(runs, plugin, { version, isCurrent })];
  events.emit({ type: 'plugin.revoked', at: clock.now(), plugin, version, reason, workflows });
  await pool.stop(plugin, { digest, why: revokedError(about) });
}

/** The stored version that an event speaks of; only the log it came from has a say in it. */
async function storedAs(
  { plugins, registries }: RevocationPorts,
  origin: string,
  { digest, plugin }: StateEvent,
): Promise<StoredVersion | null> {
  for (const id of plugins.ids()) {
    const found = plugins.versions(id).find((it) => it.digest === digest && it.origin === origin);
    if (found === undefined) continue;
    const named = await registries.loggedName(origin, namespaceOf(id), id);
    if (plugin === id || plugin === named) return found;
  }
  return null;
}

/** Verifies everything again, now that a key counts for less, and ends the hosts of what no longer holds. */
async function stopUntrusted({ plugins, pool }: RevocationPorts, origin: string): Promise<void> {
  const before = plugins
    .ids()
    .flatMap((id) => plugins.versions(id).filter((it) => it.origin === origin));
  const refused = await plugins.verify();
  for (const { manifest, digest } of before) {
    const { id } = manifest;
    if (plugins.versions(id).some((it) => it.digest === digest)) continue;
    const error = refused.find((it) => it.id === id)?.error;
    await pool.stop(id, { digest, ...(error === undefined ? {} : { why: errorOf(error) }) });
  }
}
