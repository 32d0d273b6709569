import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { visible, type CapabilityName } from '@runtime-hub/plugin-sdk/contract';
import type { Proposal } from '../audit/observe.ts';
import { print, usage } from './output.ts';
import { COMMON_OPTIONS, openSession } from './session.ts';
import { timeOf } from './time.ts';

/** The lines of help for `hub permissions observe`. */
export const OBSERVE_HELP = `hub permissions observe <plugin> [--since 7d] [--apply]

Looks through the audit for what the plugin used (in the last 30 days, or since --since) and proposes the narrowest
permissions that would have been enough. --apply puts them in place of today's: steps that are using one are aborted.`;

/** What `hub permissions observe …` does; the exit code. */
export async function observe(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      ...COMMON_OPTIONS,
      since: { type: 'string', default: '30d' },
      apply: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const [plugin] = positionals;
  if (plugin === undefined) throw usage('plugin', undefined, 'Name a plugin, e.g. core/http.');
  const since = timeOf('--since', values.since);
  await using session = await openSession(values.data);
  const path = '/api/v1/permissions/observe';
  if (!values.apply) {
    const query = new URLSearchParams({ plugin, since: String(since) });
    const value = await session.client.send('GET', `${path}?${query.toString()}`);
    // SAFETY: the hub's own API.
    print(value, values.json, () => proposalText(plugin, value as unknown as Proposal));
    return 0;
  }
  const body = { plugin, since, by: userInfo().username };
  const value = await session.client.send('POST', `${path}/apply`, body);
  // SAFETY: the hub's own API.
  const applied = value as unknown as {
    readonly proposal: Proposal;
    readonly narrowed: readonly CapabilityName[];
    readonly left: readonly CapabilityName[];
  };
  print(value, values.json, () =>
    [
      proposalText(plugin, applied.proposal),
      applied.narrowed.length === 0
        ? 'Nothing was changed.'
        : `Changed: ${applied.narrowed.join(', ')}.`,
      ...applied.left.map((it) => `Left as it is (asked for twice, or of one workspace): ${it}.`),
    ].join('\n'),
  );
  return 0;
}

function proposalText(plugin: string, proposal: Proposal): string {
  const { uses, permissions, givenUp, beyond } = proposal;
  const section = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
  return [
    ...section(
      `${plugin} would have been served, in ${String(uses)} uses, by:`,
      permissions.map(
        (it) =>
          `${it.words} — ${String(it.uses)} uses, at most ${String(it.peakPerSecond)} in a second`,
      ),
    ),
    ...(permissions.length === 0 ? [`${plugin} used nothing that is granted to it.`] : []),
    ...section('Given up would be:', givenUp),
    ...section(
      'Not granted today, and not proposed:',
      beyond.map(
        ({ need, allowed, refused }) =>
          `${visible(need)} — refused ${String(refused)} times, once allowed ${String(allowed)} times`,
      ),
    ),
  ].join('\n');
}
