import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { extract } from 'tar';
import { temporaryFolder } from './hub.ts';

/** What a program that unpacks archives made of one. */
export interface Unpacked {
  /** It said that something was wrong. */
  readonly complained: boolean;
  /** What came out that no plugin may bring: links, devices, files outside of `package/`, names of other systems. */
  readonly dangers: readonly string[];
  /** Regular files below `package/`: path → SHA-256. */
  readonly files: ReadonlyMap<string, string>;
}

type Unpack = (archive: string, into: string) => Promise<boolean>;

/** Programs that read the same bytes for themselves; each tells whether it complained. */
const PROGRAMS = {
  'GNU tar': async (archive, into) => {
    const { PATH = '' } = process.env;
    const { status } = spawnSync('tar', ['-xzf', archive, '-C', into], {
      env: { PATH, LC_ALL: 'C.UTF-8' },
      timeout: 20_000,
    });
    return await Promise.resolve(status !== 0);
  },
  'node-tar': async (file, cwd) => await complains(extract({ file, cwd })),
  strict: async (file, cwd) => await complains(extract({ file, cwd, strict: true })),
} satisfies Readonly<Record<string, Unpack>>;

export type Program = keyof typeof PROGRAMS;
// SAFETY: the keys of the object above.
const NAMES = Object.keys(PROGRAMS) as Program[];

/** Has each program unpack an archive in a scratch folder beside a file it must not touch. */
export async function unpackByOthers(
  packed: Uint8Array,
): Promise<Readonly<Record<Program, Unpacked>>> {
  const all = await Promise.all(
    NAMES.map(async (name) => [name, await unpackBy(PROGRAMS[name], packed)] as const),
  );
  // SAFETY: an entry for each name.
  return Object.fromEntries(all) as Record<Program, Unpacked>;
}

/** The others' verdicts in a few words, for the table of the suite: what of it they take, and what is wrong with that. */
export function inWords(others: Readonly<Record<Program, Unpacked>>): string {
  const { 'GNU tar': gnu, 'node-tar': lax, strict } = others;
  const [usual, careful] = [does(lax), does(strict)];
  const node = usual === careful ? usual : `${usual}, ${careful} when strict`;
  return `GNU tar ${does(gnu)} · node-tar ${node}`;
}

function does({ complained, dangers, files }: Unpacked): string {
  const kinds = [...new Set(dangers)].join(', ');
  const said = complained ? 'complains' : `takes ${String(files.size)}`;
  return kinds === '' ? said : `${said} (${kinds})`;
}

const SECRET = 'not yours';

async function unpackBy(unpack: Unpack, packed: Uint8Array): Promise<Unpacked> {
  using scratch = temporaryFolder('untar');
  const [box, outside] = [join(scratch.path, 'box'), join(scratch.path, 'outside')];
  mkdirSync(box);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret.txt'), SECRET, { mode: 0o600 });
  const archive = join(outside, 'archive.tgz');
  writeFileSync(archive, packed);
  const complained = await unpack(archive, box);
  const found = walk(box);
  const dangers = [
    ...outsideOf(scratch.path),
    ...found.flatMap((it) => it.dangers),
    ...collisions(found.map((it) => it.path)),
    ...tooMuch(found),
  ];
  const inside = found.filter((it) => it.sha256 !== null && it.path.startsWith('package/'));
  const files = inside.map((it) => [it.path.slice('package/'.length), it.sha256 ?? ''] as const);
  return { complained, dangers, files: new Map(files) };
}

async function complains(done: Promise<unknown>): Promise<boolean> {
  return await done.then(
    () => false,
    () => true,
  );
}

interface Found {
  readonly path: string;
  readonly dangers: readonly string[];
  /** Null for what is no regular file. */
  readonly sha256: string | null;
  readonly bytes: number;
}

/** `below` in Latin-1, so that also a name that is no UTF-8 can be looked at. */
function walk(folder: string, below = ''): readonly Found[] {
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), bytesOf(path)]);
  return readdirSync(at(below), 'latin1').flatMap((name): readonly Found[] => {
    const place = below === '' ? name : `${below}/${name}`;
    const path = bytesOf(place).toString('utf8');
    const stat = lstatSync(at(place));
    const dangers = [
      ...oddName(path, stat.isDirectory()),
      ...(stat.isDirectory() || stat.isFile() ? [] : [stat.isSymbolicLink() ? 'link' : 'device']),
      ...(stat.isFile() ? fileDangers(stat) : []),
    ];
    const sha256 = stat.isFile() ? sha256Of(readFileSync(at(place))) : null;
    const found = { path, dangers, sha256, bytes: stat.isFile() ? stat.size : 0 };
    return stat.isDirectory() ? [found, ...walk(folder, place)] : [found];
  });
}

const bytesOf = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');

function fileDangers({ nlink, mode }: Stats): readonly string[] {
  return [
    ...(nlink > 1 ? ['hard link'] : []),
    ...((mode & 0o7000) === 0 ? [] : ['special mode']),
    ...((mode & 0o002) === 0 ? [] : ['world-writable']),
  ];
}

const FORBIDDEN =
  /[\\:<>"|?*\p{Cc}\p{Cf}]|\ufffd|[. ](?:\/|$)|(?:^|\/)(?:con|nul|aux|prn|com\d|lpt\d)(?:\.|\/|$)/iu;

function oddName(path: string, isFolder: boolean): readonly string[] {
  if (path === 'package' && isFolder) return [];
  if (!path.startsWith('package/')) return ['beside package/'];
  return FORBIDDEN.test(path.normalize('NFKC')) ? ['odd name'] : [];
}

function collisions(paths: readonly string[]): readonly string[] {
  const places = paths.map((it) =>
    it.normalize('NFKC').toLowerCase().toUpperCase().normalize('NFKC'),
  );
  return new Set(places).size === places.length ? [] : ['one place twice'];
}

function tooMuch(found: readonly Found[]): readonly string[] {
  const bytes = found.reduce((sum, it) => sum + it.bytes, 0);
  return [
    ...(bytes > 64 * 1024 * 1024 ? ['over 64 MB'] : []),
    ...(found.filter((it) => it.sha256 !== null).length > 2000 ? ['over 2,000 files'] : []),
  ];
}

/** What changed beside the box. */
function outsideOf(scratch: string): readonly string[] {
  const names = readdirSync(join(scratch, 'outside')).filter((it) => it !== 'archive.tgz');
  const secret = join(scratch, 'outside', 'secret.txt');
  const { mode } = lstatSync(secret);
  const isWhole = readFileSync(secret, 'utf8') === SECRET && (mode & 0o777) === 0o600;
  const others = readdirSync(scratch).filter((it) => it !== 'box' && it !== 'outside');
  return isWhole && names.length === 1 && others.length === 0 ? [] : ['beside its folder'];
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
