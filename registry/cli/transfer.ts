import { existsSync } from 'node:fs';
import { hash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { identify } from '../client/index.ts';
import {
  TAKE_ALL,
  allUplinks,
  bringUpToDate,
  exportMirror,
  folderTree,
  importArchive,
  keyOf,
  mirrorFolder,
  readUplink,
  servedFolder,
  servedTree,
  writeUplink,
  type ImportReport,
  type SyncReport,
  type Uplink,
} from '../mirror/index.ts';

export const TRANSFER_HELP = `registry export [--url <registry>] [--since <n>] [--select <ns/*> …] <out.tar>
registry static [--url <registry>] [--select <ns/*> …] <folder>
registry import [--dry-run] [--fingerprint <sha256>] <in.tar>
registry mirror add <url> [--fingerprint <sha256>] [--select <ns/*> …] [--deny <ns/*> …] [--range <ns/*>=<range> …]
                    [--min-age-hours <n>] [--review] [--pull] [--every-minutes <n>]
registry mirror list | registry mirror sync <origin>

export  writes a registry’s plugins, all or the selected ones, into one file that carries its own proofs; --since: size of
        the log that the reader has already (the last export tells it). static: the same as a folder for any web server.
import  verifies such a file and takes all of it or nothing; the first time it shows whom it trusts, or --fingerprint says.
mirror  a further registry whose plugins this one hands on, unchanged, at /mirror/<origin>.
--data <folder>  the data folder, default ~/.runtime-hub-registry · --json
Exit codes: 0 done · 1 refused · 2 the command line was wrong`;

const many = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean', default: false } as const;
const OPTIONS = {
  data: { type: 'string', default: join(homedir(), '.runtime-hub-registry') },
  url: { type: 'string', default: 'http://127.0.0.1:3100' },
  since: { type: 'string', default: '0' },
  select: many,
  deny: many,
  range: many,
  fingerprint: { type: 'string' },
  'min-age-hours': { type: 'string', default: '0' },
  'max-age-hours': { type: 'string', default: '168' },
  'every-minutes': { type: 'string', default: '1' },
  review: flag,
  pull: flag,
  'dry-run': flag,
  json: flag,
  help: flag,
} as const;

type Values = ReturnType<typeof read>['values'];
type Act = (words: readonly string[], values: Values) => Promise<unknown>;

const ACTIONS: Readonly<Record<string, Act>> = {
  export: exportTo,
  static: staticTo,
  import: importFrom,
  mirror,
};

export const isTransfer = (word: string | undefined): boolean =>
  word !== undefined && Object.hasOwn(ACTIONS, word);

const read = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });

/** Runs one of these commands; its exit code. */
export async function transfer(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = read(args);
    const [action = '', ...words] = positionals;
    const act = ACTIONS[action];
    if (values.help || act === undefined) {
      console.log(TRANSFER_HELP);
      return values.help ? 0 : 2;
    }
    const result = await act(words, values);
    console.log(values.json ? JSON.stringify(result) : textOf(result));
    return 0;
  } catch (error) {
    console.error(`registry: ${error instanceof Error ? error.message : String(error)}`);
    if (!(error instanceof HubError)) return 2;
    console.error(`${error.code} → ${error.cure}`);
    return 1;
  }
}

async function exportTo([file]: readonly string[], values: Values): Promise<unknown> {
  const out = resolve(named(file, 'the file to write'));
  if (existsSync(out)) throw new Error(`${out} is there already`);
  const since = countOf(values.since, '--since');
  const { folder, uplink } = await collected(values);
  const wish = { file: out, since, select: values.select ?? ['*/*'] };
  const parts = { tree: servedTree(folder), notes: folderTree(folder), key: keyOf(uplink) };
  return { file: out, ...(await exportMirror(parts, wish)) };
}

async function staticTo([folder]: readonly string[], values: Values): Promise<unknown> {
  const to = resolve(named(folder, 'the folder to write'));
  const { uplink, report } = await collected(values, to);
  return { ...report, folder: servedFolder(to), fingerprint: uplink.tufRootSha256 };
}

/** Reads a registry as a mirror would, so that what is carried on was verified before it left. */
async function collected(
  { url, data, fingerprint, select, ...more }: Values,
  into?: string,
): Promise<{ readonly folder: string; readonly uplink: Uplink; readonly report: SyncReport }> {
  const shown = await shownAt(url, into ?? join(data, 'exports'), fingerprint);
  // Another selection is another folder: what was exported since when differs.
  const selected = hash('sha256', (select ?? []).toSorted().join('\n')).slice(0, 16);
  const folder = into ?? join(data, 'exports', `${shown.origin.replace(':', '_')}-${selected}`);
  const wish = { ...more, select: select ?? ['*/*'] };
  const uplink = uplinkOf(shown, { url, ...wish });
  if (
    existsSync(join(folder, 'uplink.json')) &&
    readUplink(folder, shown.origin).logKey !== shown.logKey
  )
    throw new HubError('LOG_KEY_MISMATCH', { origin: shown.origin });
  writeUplink(folder, uplink);
  const ports = { folder, uplink, now: () => Date.now(), own: new Set<string>() };
  return { folder, uplink, report: await bringUpToDate(ports, { url }, { strict: true }) };
}

async function importFrom([file]: readonly string[], values: Values): Promise<unknown> {
  const wish = {
    file: resolve(named(file, 'the file to read')),
    dryRun: values['dry-run'],
    fingerprint: values.fingerprint ?? null,
    maxMetadataAgeHours: countOf(values['max-age-hours'], '--max-age-hours'),
  };
  const ports = { data: values.data, now: () => Date.now(), own: new Set<string>() };
  return await importArchive(ports, wish);
}

async function mirror([action, what]: readonly string[], values: Values): Promise<unknown> {
  const { data } = values;
  if (action === 'list') return { mirrors: allUplinks(data) };
  const word = named(what, 'the origin or its address');
  if (action === 'add') return await addMirror(word, values);
  if (action !== 'sync') throw new Error('use mirror add, list or sync');
  const folder = mirrorFolder(data, word);
  const uplink = readUplink(folder, word);
  const ports = { folder, uplink, now: () => Date.now(), own: new Set<string>() };
  const { url } = uplink;
  if (url === null) throw new Error('that mirror is filled by imports');
  return await bringUpToDate(ports, { url });
}

/** A running registry takes it up within seconds. */
async function addMirror(url: string, values: Values): Promise<Uplink> {
  const { data, fingerprint } = values;
  const shown = await shownAt(url, join(data, 'mirrors', 'roots'), fingerprint);
  const uplink = uplinkOf(shown, { ...values, url });
  writeUplink(mirrorFolder(data, shown.origin), uplink);
  return uplink;
}

async function shownAt(url: string, folder: string, fingerprint: string | undefined) {
  const root = url.replace(/\/+$/u, '');
  return await identify({
    url: root,
    folder: join(folder, 'roots'),
    fingerprint: fingerprint ?? null,
  });
}

function uplinkOf(
  { origin, logKey, tufRootSha256 }: Pick<Uplink, 'origin' | 'logKey' | 'tufRootSha256'>,
  wish: Omit<Values, 'data' | 'fingerprint'>,
): Uplink {
  const filters = {
    ...TAKE_ALL,
    ...(wish.select === undefined ? {} : { allow: wish.select }),
    deny: wish.deny ?? [],
    ranges: (wish.range ?? []).map(rangeOf),
    minAgeHours: countOf(wish['min-age-hours'], '--min-age-hours'),
    review: wish.review,
  };
  return {
    ...{ origin, logKey, tufRootSha256, filters, pull: wish.pull },
    url: wish.url.replace(/\/+$/u, ''),
    maxMetadataAgeHours: countOf(wish['max-age-hours'], '--max-age-hours'),
    everyMinutes: countOf(wish['every-minutes'], '--every-minutes'),
  };
}

function rangeOf(text: string): { match: string; range: string } {
  const at = text.indexOf('=');
  if (at > 0) return { match: text.slice(0, at), range: text.slice(at + 1) };
  throw new Error('--range takes e.g. acme/*=^1.2');
}

function countOf(text: string, name: string): number {
  if (/^[0-9]{1,9}$/u.test(text)) return Number(text);
  throw new Error(`${name} takes a whole number`);
}

function named(word: string | undefined, what: string): string {
  if (word !== undefined && word !== '') return word;
  throw new Error(`give ${what}`);
}

function textOf(result: unknown): string {
  // SAFETY: the actions above give objects of these shapes.
  const { origin, from, to, since, size, taken, keptBack, refused, changed, fingerprint, dryRun } =
    result as Partial<ImportReport> & { readonly size?: number };
  if (origin === undefined || (taken === undefined && size === undefined))
    return JSON.stringify(result, null, 2);
  if (size !== undefined)
    return `Exported ${origin}: its log from entry ${String(since)} to ${String(size)}.\nThe next one: --since ${String(size)}`;
  const lines = [
    `${dryRun === true ? 'Would take' : 'Took'} ${String(taken?.length)} versions of ${origin}; its log was at ${String(from)} and is at ${String(to)}.`,
    ...(taken ?? []).map((it) => `  ${it.id} ${it.version}`),
    ...(changed ?? []).map((it) => `  ${it.id} ${it.version} is now ${it.state}`),
    ...(keptBack ?? []).map((it) => `  kept back by “${it.rule}”: ${it.id} ${it.version}`),
    ...(refused ?? []).map((it) => `  REFUSED ${it.id} ${it.version}: ${it.code} ${it.message}`),
    ...(fingerprint === undefined ? [] : [`Fingerprint of ${origin}: ${fingerprint}`]),
  ];
  return lines.join('\n');
}
