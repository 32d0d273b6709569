import { EventEmitter, on } from 'node:events';
import type { LoggedEvent } from '@runtime-hub/plugin-sdk/artifact';
import type { LogEvent } from '@runtime-hub/plugin-sdk/contract';
import type { Registries } from './registries.ts';

/** One thing a log says, in its place there. */
export interface LogEntry {
  readonly origin: string;
  readonly index: number;
  readonly event: LogEvent;
}

/** What the logs say of a namespace: changes of keys and states that are known, then everything that comes, as it is read. */
export async function* watchNamespace(
  registries: Registries,
  namespace: string,
): AsyncGenerator<LogEntry, void, void> {
  const news = new EventEmitter();
  const heard = on(news, 'entry');
  using _listening = registries.onEvents(async (origin, events) => {
    for (const it of events) news.emit('entry', { origin, ...it });
    await Promise.resolve();
  });
  for (const { origin } of registries.list()) {
    const names = await namesOf(registries, origin, namespace);
    for (const it of registries.events(origin)) if (isAbout(it, names)) yield { origin, ...it };
  }
  // SAFETY: only the lines above emit.
  for await (const [entry] of heard as AsyncIterable<[LogEntry]>) {
    const names = await namesOf(registries, entry.origin, namespace);
    if (isAbout(entry, names)) yield entry;
  }
}

interface Names {
  readonly namespace: ReadonlySet<string>;
  readonly isPlugin: (name: string) => boolean;
}

/** How a log speaks of a namespace; of a private one, what its plugins are called can't be told from their hashes. */
async function namesOf(registries: Registries, origin: string, namespace: string): Promise<Names> {
  const logged = await registries.loggedName(origin, namespace, namespace);
  return {
    namespace: new Set([namespace, logged]),
    isPlugin: (name) => name.startsWith(`${namespace}/`),
  };
}

const isAbout = ({ event }: Pick<LoggedEvent, 'event'>, names: Names): boolean =>
  event.event === 'key' ? names.namespace.has(event.namespace) : names.isPlugin(event.plugin);
