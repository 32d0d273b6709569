import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openSecrets } from '../../../../../studio/server/services/secrets/secret-store.ts';
import { fakeClock } from '../../../../kernel/capability/world.ts';
import { temporaryFolder } from '../../../../support/hub.ts';

const VALUE = 'correct horse ünd battery';

const keyOf = (folder: string): string => join(folder, 'keys', 'secrets.key');
const fileOf = (folder: string): string => join(folder, 'keys', 'secrets.json');

function errorOf(work: () => unknown): HubError {
  try {
    work();
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('a secret survives a restart, and its value is nowhere on the disk', () => {
  using folder = temporaryFolder('secrets');
  openSecrets(folder.path).set('mail', VALUE);
  expect(openSecrets(folder.path).reveal('mail')).toBe(VALUE);
  const bytes = readdirSync(join(folder.path, 'keys')).map((name) =>
    readFileSync(join(folder.path, 'keys', name)),
  );
  const all = Buffer.concat(bytes).toString('latin1');
  for (const form of ['utf8', 'base64', 'hex'] as const) {
    const bare = form === 'utf8' ? 'correct horse' : Buffer.from(VALUE).toString(form).slice(0, 20);
    expect(all).not.toContain(bare);
  }
});

test('the key and the secrets are for their owner only, and no half-written file is left', () => {
  using folder = temporaryFolder('secrets');
  openSecrets(folder.path).set('mail', VALUE);
  expect(statSync(keyOf(folder.path)).mode & 0o777).toBe(0o600);
  expect(statSync(fileOf(folder.path)).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder.path, 'keys')).toSorted()).toEqual([
    'secrets.json',
    'secrets.key',
  ]);
});

test('the hub refuses to start on a key that others may read, and says how to mend it', () => {
  using folder = temporaryFolder('secrets');
  openSecrets(folder.path).set('mail', VALUE);
  for (const mode of [0o640, 0o604, 0o660, 0o666]) {
    chmodSync(keyOf(folder.path), mode);
    const error = errorOf(() => openSecrets(folder.path));
    expect(error.code).toBe('HUB_REQUEST_INVALID');
    expect(error.message).toContain(`0${mode.toString(8)}`);
    expect(JSON.stringify(error.data)).toContain('chmod 600');
  }
  chmodSync(keyOf(folder.path), 0o600);
  expect(openSecrets(folder.path).reveal('mail')).toBe(VALUE);
});

test('a link, a folder or a short file in place of the key is refused', () => {
  using folder = temporaryFolder('secrets');
  mkdirSync(join(folder.path, 'keys'), { recursive: true });
  writeFileSync(join(folder.path, 'elsewhere'), Buffer.alloc(32), { mode: 0o600 });
  symlinkSync(join(folder.path, 'elsewhere'), keyOf(folder.path));
  expect(errorOf(() => openSecrets(folder.path)).code).toBe('HUB_REQUEST_INVALID');
  rmSync(keyOf(folder.path));
  mkdirSync(keyOf(folder.path), { mode: 0o700 });
  expect(errorOf(() => openSecrets(folder.path)).code).toBe('HUB_REQUEST_INVALID');
  rmSync(keyOf(folder.path), { recursive: true });
  writeFileSync(keyOf(folder.path), Buffer.alloc(31), { mode: 0o600 });
  expect(errorOf(() => openSecrets(folder.path)).code).toBe('HUB_REQUEST_INVALID');
});

test('a lost key is not replaced while there are secrets under it', () => {
  using folder = temporaryFolder('secrets');
  openSecrets(folder.path).set('mail', VALUE);
  rmSync(keyOf(folder.path));
  expect(errorOf(() => openSecrets(folder.path)).code).toBe('HUB_REQUEST_INVALID');
  expect(readdirSync(join(folder.path, 'keys'))).toEqual(['secrets.json']);
});

test('two secrets of one value look different, each with a nonce of its own', () => {
  using folder = temporaryFolder('secrets');
  const secrets = openSecrets(folder.path);
  secrets.set('one', VALUE);
  secrets.set('two', VALUE);
  const { one, two } = sealedIn(folder.path);
  expect(one?.nonce).not.toBe(two?.nonce);
  expect(one?.data).not.toBe(two?.data);
  const before = one?.nonce;
  secrets.set('one', VALUE);
  expect(sealedIn(folder.path)['one']?.nonce).not.toBe(before);
});

test('a secret that was renamed, exchanged or changed on the disk does not open', () => {
  using folder = temporaryFolder('secrets');
  const secrets = openSecrets(folder.path);
  secrets.set('low', 'harmless value');
  secrets.set('high', VALUE);
  const honest = readFileSync(fileOf(folder.path), 'utf8');
  const { low, high } = sealedIn(folder.path);
  for (const sealed of [
    high,
    { ...low, data: low?.data.replace(/^./u, '+') },
    { ...low, tag: '' },
  ]) {
    const document = JSON.parse(honest);
    document.secrets.low.sealed = sealed;
    writeFileSync(fileOf(folder.path), JSON.stringify(document));
    const error = errorOf(() => openSecrets(folder.path));
    expect(error).toMatchObject({ code: 'HUB_REQUEST_INVALID', data: { value: 'low' } });
    expect(error.message).not.toContain(VALUE);
  }
  writeFileSync(fileOf(folder.path), honest);
  expect(openSecrets(folder.path).reveal('high')).toBe(VALUE);
});

test('a file that is not of the form is refused as a whole', () => {
  using folder = temporaryFolder('secrets');
  openSecrets(folder.path);
  const bad = ['', '{', '[]', '{"version":2,"secrets":{}}', '{"version":1,"secrets":{"A":1}}'];
  for (const text of bad) {
    writeFileSync(fileOf(folder.path), text);
    expect(errorOf(() => openSecrets(folder.path)).code).toBe('HUB_REQUEST_INVALID');
  }
});

test('names and values of the wrong form are refused, without repeating the value', () => {
  using folder = temporaryFolder('secrets');
  const secrets = openSecrets(folder.path);
  for (const name of ['', 'A', '1a', 'a b', '__proto__', 'a/b', 'a'.repeat(65)]) {
    expect(errorOf(() => secrets.set(name, VALUE)).code).toBe('HUB_REQUEST_INVALID');
  }
  for (const value of ['', 'abc', ' abc \n', 'x'.repeat(4097), 'bad\ud800half']) {
    const error = errorOf(() => secrets.set('mail', value));
    expect(error.code).toBe('HUB_REQUEST_INVALID');
    if (value.length > 3) expect(error.message).not.toContain(value);
  }
  expect(secrets.list()).toEqual([]);
  secrets.set('constructor', VALUE);
  expect(openSecrets(folder.path).reveal('constructor')).toBe(VALUE);
});

test('the list tells names and times, and a removed secret is gone', () => {
  using folder = temporaryFolder('secrets');
  const { clock, advance } = fakeClock();
  const secrets = openSecrets(folder.path, clock);
  secrets.set('b', VALUE);
  secrets.set('a', VALUE);
  const createdAt = clock.now();
  advance(1000);
  secrets.reveal('a');
  const listed = [
    { name: 'a', createdAt, usedAt: createdAt + 1000 },
    { name: 'b', createdAt, usedAt: null },
  ];
  expect(secrets.list()).toEqual(listed);
  expect(openSecrets(folder.path, clock).list()).toEqual(listed);
  expect(JSON.stringify(secrets.list())).not.toContain(VALUE);
  secrets.remove('a');
  expect(errorOf(() => secrets.reveal('a')).code).toBe('SECRET_NOT_FOUND');
  expect(errorOf(() => secrets.remove('a')).code).toBe('SECRET_NOT_FOUND');
  expect(openSecrets(folder.path, clock).list()).toMatchObject([{ name: 'b' }]);
});

test('a value that was used stays hidden after it was replaced', () => {
  using folder = temporaryFolder('secrets');
  const secrets = openSecrets(folder.path);
  secrets.set('mail', 'first-value');
  expect(secrets.redactor.redact('first-value')).toBe('first-value');
  secrets.reveal('mail');
  secrets.set('mail', 'second-value');
  secrets.reveal('mail');
  const text = secrets.redactor.redact('first-value second-value');
  expect(text).toBe('[secret mail] [secret mail]');
});

function sealedIn(
  folder: string,
): Readonly<
  Record<string, { readonly nonce: string; readonly tag: string; readonly data: string }>
> {
  const { secrets } = JSON.parse(readFileSync(fileOf(folder), 'utf8'));
  return Object.fromEntries(
    Object.entries<{ sealed: { nonce: string; tag: string; data: string } }>(secrets).map(
      ([name, { sealed }]) => [name, sealed],
    ),
  );
}
