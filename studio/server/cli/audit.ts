import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { HubError, codeOf, visible } from '@runtime-hub/plugin-sdk/contract';
import { verifyExport } from '../audit/export.ts';
import { hasKeys, parseHead, type AuditHead } from '../audit/head.ts';
import { broken } from '../audit/record.ts';
import type { AuditVerdict } from '../audit/verify.ts';
import { verifyFolder } from '../store/audit-folder.ts';
import type { AuditRetention } from '../store/audit-log.ts';
import type { AuditPage } from '../store/audit-reader.ts';
import { defaultDataFolder } from '../system.ts';
import { print, table, usage, type Command } from './output.ts';
import { COMMON_OPTIONS, openSession } from './session.ts';
import { timeOf } from './time.ts';

const HELP = `hub audit list   [--plugin <id>] [--capability <name>] [--decision allowed|denied|rate-exceeded|granted|refused|revoked|requested]
                 [--run <id>] [--since <time>] [--limit 100] [--before <number>]
hub audit export [--since <time>] [--out <file>]
hub audit verify [<file>] [--key <key>] [--head <file>]
hub audit head
hub audit keep   [--days <number>]
hub audit prune  --before <time>
hub audit accept

Every use of a capability, every denial and every decision is a record in a chain of SHA-256 hashes.
list shows the newest first. export writes JSON lines, and a signed head that vouches for them.
verify checks the data folder, or an exported file (- for standard input), and names the first record that
does not hold; it needs neither a running hub nor its secrets. --key: the key the head must be signed with.
head prints a signed head: keep it elsewhere, and give it to verify with --head. Whoever can write the data
folder can cut the end off and sign again; they can't make it agree with a head that is kept elsewhere.
keep says what is kept, and changes for how many days (400 when nobody said): older records are forgotten, when the hub
starts and once a day. prune forgets old records; the rest can still be verified. accept goes on after a break was looked into.
<time>: 30m, 24h, 7d, or a date such as 2026-11-21.`;

const OPTIONS = {
  ...COMMON_OPTIONS,
  plugin: { type: 'string' },
  capability: { type: 'string' },
  decision: { type: 'string' },
  run: { type: 'string' },
  since: { type: 'string' },
  limit: { type: 'string' },
  before: { type: 'string' },
  out: { type: 'string' },
  key: { type: 'string' },
  head: { type: 'string' },
  days: { type: 'string' },
} as const;

const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
type Values = ReturnType<typeof parse>['values'];

const ACTIONS: Readonly<Record<string, (values: Values, file?: string) => Promise<void>>> = {
  list,
  export: exportTo,
  verify,
  head,
  keep,
  prune,
  accept,
};

export const auditCommand: Command = {
  name: 'audit',
  summary: 'see, export and verify who did what',
  help: HELP,
  async run(args) {
    const { values, positionals } = parse(args);
    const [action = 'list', file] = positionals;
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (act === undefined) {
      throw usage('audit', action, 'Use list, export, verify, head, keep, prune or accept.');
    }
    await act(values, file);
    return 0;
  },
};

async function list(values: Values): Promise<void> {
  const { plugin, capability, decision, run, limit, before, since } = values;
  const asked = { plugin, capability, decision, run, limit, before, since: sinceText(since) };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined) query.set(name, value);
  await using session = await openSession(values.data);
  const value = await session.client.send('GET', `/api/v1/audit?${query.toString()}`);
  // SAFETY: the hub's own API.
  const page = value as unknown as AuditPage;
  print(value, values.json, () => pageText(page));
}

function pageText({ records, next }: AuditPage): string {
  const rows = records.map((it) => [
    String(it.sequence),
    new Date(it.at).toISOString(),
    it.decision,
    it.plugin,
    it.operation,
    it.need,
    it.by ?? it.run ?? '',
    it.workspace ?? '',
    it.reason ?? '',
  ]);
  const who = ['BY OR RUN', 'WORKSPACE', 'REASON'];
  const head = ['NO', 'AT', 'DECISION', 'PLUGIN', 'OPERATION', 'NEED', ...who];
  const shown = rows.map((row) => row.map(visible));
  const more = next === null ? [] : [`More: --before ${String(next)}`];
  return [rows.length === 0 ? 'No record fits.' : table(head, shown), ...more].join('\n');
}

async function exportTo({ data, since, out }: Values): Promise<void> {
  await using session = await openSession(data);
  const from = sinceText(since);
  const query = from === undefined ? '' : `?since=${from}`;
  const { signal } = new AbortController();
  const values = session.client.stream(`/api/v1/audit/export${query}`, signal);
  const to = out === undefined ? process.stdout : createWriteStream(out, { mode: 0o600 });
  let isWhole = false;
  const lines = async function* (): AsyncGenerator<string> {
    for await (const value of values) {
      isWhole = hasKeys(value, ['head']);
      yield `${JSON.stringify(value)}\n`;
    }
  };
  await pipeline(lines, to, { end: out !== undefined });
  if (!isWhole) throw broken(0, 'its export ended before its head: try again');
}

async function verify(values: Values, file?: string): Promise<void> {
  const { key, json } = values;
  const heads = values.head === undefined ? [] : [readHeadFile(values.head, key ?? null)];
  if (file === undefined) {
    const folder = resolve(values.data ?? defaultDataFolder());
    const trust = { heads, ...(key === undefined ? {} : { key }) };
    const verdict = await verifyFolder(folder, trust);
    return print(verdict, json, () => verdictText(verdict));
  }
  const bytes = file === '-' ? process.stdin : createReadStream(file);
  const verdict = await verifyExport(bytes, key ?? null).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT'
      ? usage('file', file, 'Name a file of hub audit export.')
      : error;
  });
  print(verdict, json, () => verdictText(verdict));
}

function verdictText({
  from,
  to,
  unsigned,
  head: { key },
}: AuditVerdict & { head: AuditHead }): string {
  const [first, last] = [from.sequence + 1, to.sequence].map(String);
  return [
    from.sequence === to.sequence
      ? 'The audit holds: it has no records.'
      : `The audit holds: records ${String(first)} to ${String(last)}.`,
    ...(from.sequence === 0 ? [] : ['What was before is not there: pruned, or not exported.']),
    ...(unsigned === 0 ? [] : [`The newest ${String(unsigned)} are not signed yet.`]),
    `Signed with ${key}`,
  ].join('\n');
}

function readHeadFile(file: string, key: string | null): AuditHead {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const isAnswer = typeof value === 'object' && value !== null && 'head' in value;
    return parseHead(isAnswer ? value.head : value, key);
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw usage('--head', file, 'Name a file with what hub audit head --json printed.');
  }
}

async function head({ data, json }: Values): Promise<void> {
  await using session = await openSession(data);
  const value = await session.client.send('GET', '/api/v1/audit/head');
  print(value, json, () => JSON.stringify(value));
}

async function keep({ data, days, json }: Values): Promise<void> {
  const body = days === undefined ? undefined : { days: Number(days) };
  await using session = await openSession(data);
  const path = '/api/v1/audit/retention';
  const value = await session.client.send(body === undefined ? 'GET' : 'POST', path, body);
  // SAFETY: the hub's own API.
  const kept = value as unknown as AuditRetention & { readonly pruned: number };
  print(value, json, () => keptText(kept));
}

function keptText({ days, records, since, pruned }: AuditRetention & { pruned: number }): string {
  const oldest = since === null ? '' : `, the oldest of ${new Date(since).toISOString()}`;
  return [
    `Records are kept for ${String(days)} days.`,
    ...(pruned === 0 ? [] : [`Forgot ${String(pruned)} records.`]),
    `There are ${String(records)}${oldest}.`,
  ].join('\n');
}

async function prune({ data, before, json }: Values): Promise<void> {
  if (before === undefined) throw usage('--before', before, 'Give a time, e.g. 90d.');
  const body = { before: timeOf('--before', before) };
  await using session = await openSession(data);
  const value = await session.client.send('POST', '/api/v1/audit/prune', body);
  // SAFETY: the hub's own API.
  const { pruned } = value as { readonly pruned: number };
  print(value, json, () => `Forgot ${String(pruned)} records.`);
}

async function accept({ data, json }: Values): Promise<void> {
  await using session = await openSession(data);
  const value = await session.client.send('POST', '/api/v1/audit/accept', {});
  print(value, json, () => 'The audit goes on from here; the head it had is kept beside the new.');
}

const sinceText = (since: string | undefined): string | undefined =>
  since === undefined ? undefined : String(timeOf('--since', since));
