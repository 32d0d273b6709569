import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  exportMirror,
  folderTree,
  importArchive,
  keyOf,
  mirrorFolder,
  servedFolder,
  servedTree,
  type ImportReport,
} from '../../../registry/mirror/index.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { ORIGIN } from '../open-registry.ts';
import { entriesOf, find, flipped, forge } from './archive-parts.ts';
import { mirrorScene, type MirrorScene } from './mirror-scene.ts';

let scene: MirrorScene;
let far: string;
let out: string;
let made: number;
const opened: Disposable[] = [];

beforeEach(async () => {
  scene = await mirrorScene();
  made = 0;
  [far, out] = ['far', 'out'].map((name) => {
    const folder = temporaryFolder(name);
    opened.push(folder);
    return folder.path;
  }) as [string, string];
});
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
  for (const folder of opened.splice(0)) folder[Symbol.dispose]();
});

/** An export of all that the origin has now, and the size to continue from. */
async function exported(since = 0, select = ['*/*']): Promise<{ file: string; size: number }> {
  const uplink = await scene.uplink();
  await scene.look(uplink);
  const file = join(out, `${String(made++)}.tar`);
  const { folder } = scene;
  const parts = { tree: servedTree(folder), notes: folderTree(folder), key: keyOf(uplink) };
  const { size } = await exportMirror(parts, { file, since, select });
  return { file, size };
}

async function imported(file: string, more: object = {}): Promise<ImportReport> {
  const wish = { file, dryRun: false, fingerprint: null, maxMetadataAgeHours: 168, ...more };
  return await importArchive({ data: far, now: () => scene.at.clock.now(), own: new Set() }, wish);
}

const refusal = async (file: string): Promise<unknown> =>
  await imported(file).then(
    () => 'taken',
    (error: unknown) => (error as { code: unknown }).code,
  );

const tree = (): string => servedFolder(mirrorFolder(far, ORIGIN));
const all = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();

const forged = (
  file: string,
  change: Parameters<typeof forge>[1],
  options?: Parameters<typeof forge>[2],
): string => forge({ file, target: join(out, `${String(made++)}.tar`) }, change, options);

test('an export is taken whole on the other side, after a rehearsal that changes nothing', async () => {
  await scene.publish('words', '1.0.0');
  await scene.publish('other', '1.0.0');
  const { file, size } = await exported(0, ['acme/words']);
  const rehearsed = await imported(file, { dryRun: true });
  expect(rehearsed).toMatchObject({ dryRun: true, from: 0, to: size, refused: [] });
  expect(rehearsed.taken).toEqual([{ id: 'acme/words', version: '1.0.0' }]);
  expect(existsSync(far) ? all(far) : []).toEqual([]);
  expect(await imported(file)).toMatchObject({ to: size, taken: [{ id: 'acme/words' }] });
  const before = all(tree());
  expect(await imported(file)).toMatchObject({ from: size, to: size, taken: [], changed: [] });
  expect(all(tree())).toEqual(before);
  const theirs = await scene.at.ask('GET', '/v1/plugins/acme/words/1.0.0/bundle');
  expect(readFileSync(join(tree(), 'v1/plugins/acme/words/1.0.0/bundle'), 'utf8')).toBe(
    theirs.text,
  );
});

test('an export is a folder for any web server once tar has unpacked it', async () => {
  await scene.publish('words', '1.0.0');
  const { file } = await exported();
  execFileSync('tar', ['-xf', file, '-C', far]);
  await imported(file);
  const unpacked = all(join(far, 'v1'));
  for (const path of all(join(tree(), 'v1'))) expect(unpacked).toContain(path);
});

test('a later export carries only what is new, and what became of the rest', async () => {
  await scene.publish('words', '1.0.0');
  const first = await exported();
  await imported(first.file);
  await scene.publish('words', '1.1.0');
  await scene.move('words', '1.0.0', 'revoke', 'It lies');
  const second = await exported(first.size);
  const paths = entriesOf(readFileSync(second.file)).map(({ path }) => path);
  expect(paths.filter((path) => path.startsWith('v1/blobs/'))).toHaveLength(1);
  expect(await imported(second.file)).toMatchObject({
    since: first.size,
    taken: [{ version: '1.1.0' }],
    changed: [{ version: '1.0.0', state: 'revoked' }],
  });
});

test('a gap, the wrong order and an older export are each refused', async () => {
  await scene.publish('words', '1.0.0');
  const first = await exported();
  await scene.publish('words', '1.1.0');
  const second = await exported(first.size);
  await scene.publish('words', '1.2.0');
  const third = await exported(second.size);
  expect(await refusal(second.file)).toBe('REGISTRY_ARCHIVE_GAP');
  await imported(first.file);
  expect(await refusal(third.file)).toBe('REGISTRY_ARCHIVE_GAP');
  await imported(second.file);
  await imported(third.file);
  expect(await refusal(second.file)).toBe('LOG_ROLLED_BACK');
  expect(await refusal(first.file)).toBe('LOG_ROLLED_BACK');
});

test('names that lead elsewhere, links, doubles and what is cut off are refused before anything is read', async () => {
  await scene.publish('words', '1.0.0');
  const { file } = await exported();
  const add = (path: string, type = '0') =>
    forged(file, (entries) => void entries.push({ path, bytes: Buffer.from('x'), type }));
  for (const path of [
    'v1/zzz/../../../escaped',
    '../escaped',
    '/etc/escaped',
    'v1/plugins/acme/words/../../../../escaped',
    'v1\\..\\escaped',
    'v1/plugins/acme/words/1.0.0/zzz',
    'v1/tuf/../escaped.json',
    'v1/zz\u202egpj.json',
  ])
    expect([path, await refusal(add(path))]).toEqual([path, 'REGISTRY_ARCHIVE_MALFORMED']);
  for (const type of ['1', '2', '3', '5', '6', 'g', 'L'])
    expect(await refusal(add('v1/tuf/zz.json', type))).toBe('REGISTRY_ARCHIVE_MALFORMED');
  const twice = forged(file, (entries) => void entries.push({ ...find(entries, /checkpoint$/u) }));
  expect(await refusal(twice)).toBe('REGISTRY_ARCHIVE_MALFORMED');
  const short = join(out, 'short.tar');
  writeFileSync(short, readFileSync(file).subarray(0, -2048));
  expect(await refusal(short)).toBe('REGISTRY_ARCHIVE_MALFORMED');
  writeFileSync(short, Buffer.concat([readFileSync(file), Buffer.alloc(512, 1)]));
  expect(await refusal(short)).toBe('REGISTRY_ARCHIVE_MALFORMED');
  expect(all(out).filter((name) => name.includes('escaped'))).toEqual([]);
  expect(existsSync(join(far, 'mirrors'))).toBe(false);
});

test('altered bytes are refused, and so they are when the list is made to fit them', async () => {
  await scene.publish('words', '1.0.0');
  await scene.publish('words', '1.1.0');
  const { file } = await exported();
  const flip = (pattern: RegExp, relist: boolean) =>
    forged(
      file,
      (entries) => {
        const it = find(entries, pattern);
        it.bytes = flipped(it.bytes);
      },
      { relist },
    );
  for (const pattern of [
    /blobs/u,
    /bundle$/u,
    /tile\/entries/u,
    /tile\/0/u,
    /timestamp/u,
    /record|index/u,
  ])
    expect(await refusal(flip(pattern, false))).toBe('REGISTRY_ARCHIVE_ALTERED');
  expect(await refusal(flip(/blobs/u, true))).toBe('ARTIFACT_DIGEST_MISMATCH');
  expect(await refusal(flip(/tile\/entries/u, true))).toMatch(/^LOG_/u);
  expect(await refusal(flip(/timestamp\.json/u, true))).toBe('REGISTRY_METADATA_REFUSED');
  const swapped = forged(file, (entries) => {
    const [one, other] = [find(entries, /1\.0\.0\/bundle/u), find(entries, /1\.1\.0\/bundle/u)];
    [one.bytes, other.bytes] = [other.bytes, one.bytes];
  });
  expect(await refusal(swapped)).toBe('SIGNATURE_SUBJECT_MISMATCH');
  expect(existsSync(join(far, 'mirrors'))).toBe(false);
});

test('files that the list does not know, or lacks, are refused', async () => {
  await scene.publish('words', '1.0.0');
  const { file } = await exported();
  const more = forged(
    file,
    (entries) => void entries.push({ path: 'v1/tuf/zz.json', bytes: Buffer.from('{}'), type: '0' }),
    { relist: false },
  );
  expect(await refusal(more)).toBe('REGISTRY_ARCHIVE_MALFORMED');
  const less = forged(file, (entries) => void entries.pop(), { relist: false });
  expect(await refusal(less)).toBe('REGISTRY_ARCHIVE_MALFORMED');
});

test('an export of an impostor, of the same name but with other keys, is refused, the first time by its fingerprint', async () => {
  await scene.publish('words', '1.0.0');
  const honest = await exported();
  const uplink = await scene.uplink();
  await using impostor = await mirrorScene();
  await impostor.publish('words', '9.9.9');
  const theirs = await impostor.uplink();
  await impostor.look(theirs);
  const file = join(out, 'impostor.tar');
  const { folder } = impostor;
  const parts = { tree: servedTree(folder), notes: folderTree(folder), key: keyOf(theirs) };
  await exportMirror(parts, { file, since: 0, select: ['*/*'] });
  await expect(imported(file, { fingerprint: uplink.tufRootSha256 })).rejects.toMatchObject({
    code: 'REGISTRY_IDENTITY_MISMATCH',
  });
  await imported(honest.file);
  expect(await refusal(file)).toMatch(/^(?:LOG_KEY_MISMATCH|REGISTRY_IDENTITY_MISMATCH)$/u);
});

test('an export that is older than its reader allows is refused, and taken when the reader says how old it may be', async () => {
  await scene.publish('words', '1.0.0');
  const { file } = await exported();
  scene.at.clock.advance(8 * 24 * 3_600_000);
  expect(await refusal(file)).toBe('LOG_FROZEN');
  expect(await imported(file, { maxMetadataAgeHours: 400 * 24 })).toMatchObject({
    taken: [{ version: '1.0.0' }],
  });
});
