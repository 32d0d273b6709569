import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAuthor } from './author.ts';

const author = makeAuthor();
const other = makeAuthor();
afterAll(() => {
  author[Symbol.dispose]();
  other[Symbol.dispose]();
});
beforeAll(async () => {
  await author.json(['new', 'hello', '--id', 'acme/hello']);
  await author.json(['keys', 'new', 'acme']);
}, 60_000);

const keyFile = (name: string): string => join(author.keys, name);
const year = String(new Date().getUTCFullYear());
const hint = `acme-${year}`;
const artifact = 'hello/dist/acme-hello-1.0.0.tgz';

test('a key’s file can be read by its owner only', () => {
  expect(statSync(author.keys).mode & 0o777).toBe(0o700);
  expect(statSync(keyFile(`${hint}.json`)).mode & 0o777).toBe(0o600);
});

test('the private part is never printed', async () => {
  const { privateKey } = JSON.parse(readFileSync(keyFile(`${hint}.json`), 'utf8')) as {
    privateKey: string;
  };
  const secret = privateKey.split('\n')[1] ?? '';
  expect(secret.length).toBeGreaterThan(20);
  for (const args of [
    ['list'],
    ['show', hint],
    ['export', hint],
    ['list', '--json'],
    ['show', hint, '--json'],
  ]) {
    const { out, err, code } = await author.run(['keys', ...args]);
    expect(code).toBe(0);
    expect(out + err).not.toContain(secret);
  }
});

test('another key of a namespace gets a name of its own, and none is overwritten', async () => {
  const before = readFileSync(keyFile(`${hint}.json`), 'utf8');
  expect(await author.json(['keys', 'new', 'acme', '--p256'])).toMatchObject({
    hint: `${hint}-2`,
    alg: 'p256',
  });
  expect(readFileSync(keyFile(`${hint}.json`), 'utf8')).toBe(before);
});

test.each([[`${hint}`], [`${hint}-2`]])(
  'what the key %s signs verifies, also by its public part alone',
  async (key) => {
    const signed = await author.json(['sign', '--key', key], { in: 'hello' });
    expect(signed).toMatchObject({ id: 'acme/hello', signer: key });
    expect(await author.json(['verify', artifact])).toMatchObject({ publisher: key });
    const part = join(other.folder, `${key}.json`);
    writeFileSync(part, (await author.run(['keys', 'export', key])).out);
    const args = ['verify', join(author.folder, artifact), '--key', part];
    expect(await other.json(args)).toMatchObject({ publisher: key });
  },
  60_000,
);

test('whoever does not have the key is told that they do not trust it', async () => {
  const refused = await other.refusal(['verify', join(author.folder, artifact)]);
  expect(refused).toEqual({ code: 'PUBLISHER_UNTRUSTED', exit: 1 });
});

test('one changed byte, another artifact’s bundle, another key of the same name: none verifies', async () => {
  const bytes = readFileSync(join(author.folder, artifact));
  const bundle = readFileSync(join(author.folder, `${artifact}.bundle.json`));
  const place = (name: string, content: Uint8Array): string => {
    const file = join(author.folder, name);
    writeFileSync(file, content);
    writeFileSync(`${file}.bundle.json`, bundle);
    return file;
  };
  const flipped = Buffer.from(bytes);
  flipped[flipped.length - 20] = (flipped[flipped.length - 20] ?? 0) ^ 1;
  expect((await author.refusal(['verify', place('flipped.tgz', flipped)])).code).toBe(
    'ARTIFACT_MALFORMED',
  );
  author.edit('hello/README.md', (it) => `${it}\nMore.\n`);
  const packed = await author.json(['pack'], { in: 'hello' });
  const second = readFileSync(String(packed['file']));
  expect((await author.refusal(['verify', place('second.tgz', second)])).code).toBe(
    'ARTIFACT_DIGEST_MISMATCH',
  );
  const forged = { hint: `${hint}-2`, spki: (await other.json(['keys', 'new', 'acme']))['spki'] };
  writeFileSync(join(other.folder, 'forged.json'), JSON.stringify(forged));
  const refused = await other.refusal([
    'verify',
    place('first.tgz', bytes),
    '--key',
    'forged.json',
  ]);
  expect(refused.code).toBe('SIGNATURE_INVALID');
}, 60_000);

test('a recovery key signs no release', async () => {
  const { hint: recovery } = await author.json(['keys', 'new', 'initech', '--recovery']);
  expect(recovery).toBe(`initech-recovery-${year}`);
  await author.json(['new', 'tps', '--id', 'initech/tps']);
  expect((await author.refusal(['sign'], { in: 'tps' })).code).toBe('PUBLISHER_KEY_MISSING');
  const named = await author.refusal(['sign', '--key', String(recovery)], { in: 'tps' });
  expect(named).toEqual({ code: 'HUB_REQUEST_INVALID', exit: 2 });
}, 60_000);

test.each([
  ['others may read it', () => chmodSync(keyFile(`${hint}.json`), 0o644), 'PUBLISHER_KEY_UNSAFE'],
  ['its group may', () => chmodSync(keyFile(`${hint}.json`), 0o640), 'PUBLISHER_KEY_UNSAFE'],
  [
    'it is damaged',
    () => writeFileSync(keyFile(`${hint}.json`), '{"private'),
    'HUB_REQUEST_INVALID',
  ],
])(
  'a key is refused when %s, and what is in its file is not said',
  async (_why, harm, code) => {
    const before = readFileSync(keyFile(`${hint}.json`), 'utf8');
    harm();
    const { err } = await author.run(['sign', '--key', hint], { in: 'hello' });
    expect((await author.refusal(['sign', '--key', hint], { in: 'hello' })).code).toBe(code);
    expect(err).not.toContain('private');
    chmodSync(keyFile(`${hint}.json`), 0o600);
    writeFileSync(keyFile(`${hint}.json`), before);
  },
  60_000,
);

test.each(['../../etc/passwd', '..', 'a/b', '', `${hint}.json`])(
  'a key named “%s” is no key',
  async (name) => {
    expect((await author.refusal(['keys', 'show', name])).code).toBe('PUBLISHER_KEY_MISSING');
    expect(readdirSync(author.keys).every((it) => it.endsWith('.json'))).toBe(true);
  },
);

test('keyless signing outside of CI says what it misses, and names no token', async () => {
  const args = ['sign', '--keyless', '--fulcio', 'http://127.0.0.1:1'];
  expect((await author.refusal(args, { in: 'hello' })).code).toBe('TOKEN_MISSING');
  expect((await author.refusal(['sign', '--keyless'], { in: 'hello' })).code).toBe(
    'HUB_REQUEST_INVALID',
  );
  const env = { SIGSTORE_ID_TOKEN: 'eyJhbGciOiJub25lIn0.c2VjcmV0LXRva2Vu.' };
  const { err, code } = await author.run([...args, '--json'], { in: 'hello', env });
  expect(code).toBe(1);
  expect(JSON.parse(err)).toMatchObject({ code: 'SIGNATURE_CERTIFICATE_REFUSED' });
  expect(err).not.toContain('c2VjcmV0');
}, 60_000);
