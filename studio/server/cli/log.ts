import { parseArgs } from 'node:util';
import { visible, type LogEvent } from '@runtime-hub/plugin-sdk/contract';
import { usage, type Command } from './output.ts';
import { COMMON_OPTIONS, openSession } from './session.ts';
import { interrupted } from './start.ts';

const HELP = `hub log watch --ns <namespace> [--json]

Prints what the transparency logs of this hub’s registries say of a namespace: keys that were added or revoked, versions
that were published, yanked or revoked; first what is known, then whatever comes, until Ctrl+C. Each log is read whole and
must give the root of a checkpoint that continues the last one, so nothing can be left out.`;

interface Entry {
  readonly origin: string;
  readonly index: number;
  readonly event: LogEvent;
}

export const logCommand: Command = {
  name: 'log',
  summary: 'watch what registries’ logs say of a namespace',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...COMMON_OPTIONS, ns: { type: 'string' } },
      allowPositionals: true,
    });
    const [action = 'watch'] = positionals;
    if (action !== 'watch') throw usage('log', action, 'Use watch.');
    if (values.ns === undefined) throw usage('--ns', undefined, 'Name a namespace, e.g. acme.');
    await using session = await openSession(values.data);
    const stop = new AbortController();
    void interrupted().then(() => stop.abort());
    const path = `/api/v1/log/watch?namespace=${encodeURIComponent(values.ns)}`;
    for await (const line of session.client.stream(path, stop.signal)) {
      // SAFETY: the hub's own API.
      const entry = line as unknown as Entry | { readonly watching: string };
      if ('watching' in entry) continue;
      console.log(values.json ? JSON.stringify(entry) : entryText(entry));
    }
    return 0;
  },
};

function entryText({ origin, index, event }: Entry): string {
  const at = new Date(event.at).toISOString().slice(0, 19);
  return visible(`${at}  ${origin} #${String(index)}  ${wordsOf(event)}`);
}

function wordsOf(event: LogEvent): string {
  switch (event.event) {
    case 'published':
      return `${event.plugin} ${event.version} was published, signed by ${event.publisher}`;
    case 'state':
      return `${event.plugin} ${event.version} went from ${event.from} to ${event.to}, by ${event.actor}: ${event.reason}`;
    case 'key':
      return `the key ${event.hint} (${event.role}) was ${event.change}, by ${event.actor}: ${event.reason}`;
  }
}
