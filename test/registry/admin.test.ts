import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import {
  signAttestation,
  spkiOf,
  verifyAttestation,
  type Judgement,
  unboundedKey,
} from '@runtime-hub/plugin-sdk/artifact';
import { restore } from '../../registry/admin/index.ts';
import { createRegistry } from '../../registry/index.ts';
import { temporaryFolder } from '../support/hub.ts';
import { makePublisher, newKey, openRegistry, ORIGIN, publishOne } from './open-registry.ts';

const ADMIN_PATHS = [
  ['GET', '/v1/admin/namespaces'],
  ['POST', '/v1/admin/namespaces'],
  ['GET', '/v1/admin/tokens'],
  ['POST', '/v1/admin/tokens'],
  ['DELETE', '/v1/admin/tokens/x'],
  ['GET', '/v1/admin/settings'],
  ['PUT', '/v1/admin/settings'],
  ['POST', '/v1/admin/issuers'],
  ['POST', '/v1/admin/workloads'],
  ['GET', '/v1/admin/audit'],
  ['GET', '/v1/admin/mirrors'],
  ['GET', '/v1/admin/audit/verify'],
  ['POST', '/v1/admin/backup'],
  ['GET', '/v1/admin/review'],
] as const;

test('what is an admin’s is closed to everybody else', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const described = Object.keys((await at.ask('GET', '/v1/openapi.json')).json.paths);
  const asked = ADMIN_PATHS.map(([, path]) => path.replace('/x', '/{id}'));
  expect(described.filter((it) => it.startsWith('/v1/admin/')).toSorted()).toEqual(
    [...new Set(asked)].toSorted(),
  );
  for (const [method, path] of ADMIN_PATHS) {
    expect((await at.ask(method, path)).json.code).toBe('TOKEN_MISSING');
    expect((await at.ask(method, path, { token: acme.token })).json.code).toBe(
      'TOKEN_SCOPE_TOO_NARROW',
    );
  }
});

test('the admin token is told once and kept as a hash; so is every other', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const token = at.registry.adminToken ?? '';
  expect(token).toMatch(/^hubr_[\w-]{43}$/u);
  const everything = readdirSync(at.folder, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .map((it) => readFileSync(join(it.parentPath, it.name), 'latin1'))
    .join('\n');
  expect(everything).not.toContain(token);
  expect(everything).not.toContain(acme.token);
  expect((await at.admin('GET', '/v1/admin/tokens')).text).not.toMatch(/hubr_|"hash"/u);
  expect(statSync(join(at.folder, 'keys', 'log.pem')).mode & 0o077).toBe(0);
});

test('a token ends when an admin ends it, and by itself', async () => {
  await using at = await openRegistry();
  await makePublisher(at, 'acme');
  const make = async () =>
    (await at.admin('POST', '/v1/admin/tokens', { json: { scope: 'review', note: 'r', days: 1 } }))
      .json;
  const works = async (token: string) =>
    (await at.ask('GET', '/v1/admin/review', { token })).status;
  const [one, two] = [await make(), await make()];
  expect([await works(one.token), await works(two.token)]).toEqual([200, 200]);
  expect((await at.admin('DELETE', `/v1/admin/tokens/${String(one.id)}`)).status).toBe(204);
  expect([await works(one.token), await works(two.token)]).toEqual([401, 200]);
  at.clock.advance(86_400_000);
  expect(await works(two.token)).toBe(401);
});

test.each([
  [{ scope: 'admin', namespace: 'acme', note: '' }, 'REGISTRY_REQUEST_INVALID'],
  [{ scope: 'publish', note: '' }, 'REGISTRY_REQUEST_INVALID'],
  [
    { scope: 'publish', namespace: 'acme', plugin: 'globex/x1', note: '' },
    'REGISTRY_REQUEST_INVALID',
  ],
  [{ scope: 'publish', namespace: 'nobody', note: '' }, 'REGISTRY_NOT_FOUND'],
  [{ scope: 'root', note: '' }, 'REGISTRY_REQUEST_INVALID'],
  [{ scope: 'review', note: '', days: 1e9 }, 'REGISTRY_REQUEST_INVALID'],
])('the token %j is refused: %s', async (json, code) => {
  await using at = await openRegistry();
  await makePublisher(at, 'acme');
  expect((await at.admin('POST', '/v1/admin/tokens', { json })).json.code).toBe(code);
});

test('each act is audited, and the audit tells when somebody changed it', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  await at.ask('POST', '/v1/plugins/acme/ocr/1.0.0/yank', {
    token: acme.token,
    json: { reason: 'broken' },
  });
  const { records } = (await at.admin('GET', '/v1/admin/audit')).json;
  expect(records.map((it: { act: string }) => it.act)).toEqual([
    'token.add',
    'namespace.add',
    'token.add',
    'key.added',
    'version.yanked',
  ]);
  expect(records.at(-1)).toMatchObject({ target: 'acme/ocr@1.0.0', detail: 'broken' });
  expect((await at.admin('GET', '/v1/admin/audit/verify')).status).toBe(200);
  const db = new Database(join(at.folder, 'registry.sqlite'));
  expect(() => db.exec("UPDATE audit SET record = '{}' WHERE sequence = 5")).toThrow(
    'the audit only grows',
  );
  db.exec(
    "DROP TRIGGER audit_holds; UPDATE audit SET record = replace(record, 'broken', 'mended') WHERE sequence = 5",
  );
  db.close();
  expect((await at.admin('GET', '/v1/admin/audit/verify')).json).toMatchObject({
    code: 'AUDIT_BROKEN',
    data: { record: 5 },
  });
});

test('a backup taken while it serves is a whole registry elsewhere', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const { digest } = await publishOne(at, acme, 'ocr');
  const { name } = (await at.admin('POST', '/v1/admin/backup')).json;
  await publishOne(at, acme, 'ocr', '1.1.0');
  const backup = join(at.folder, 'backups', name);
  using elsewhere = temporaryFolder('restored');
  const folder = join(elsewhere.path, 'data');
  expect(await restore(backup, folder)).toBe(1);
  const again = await createRegistry({ folder, clock: at.clock });
  expect(again.adminToken).toBe(null);
  expect([again.origin, again.fingerprint]).toEqual([ORIGIN, at.registry.fingerprint]);
  const record: unknown = await (await again.app.request('/v1/plugins/acme/ocr')).json();
  expect(record).toMatchObject({ latest: '1.0.0', versions: [{ digest }] });
  expect((await again.app.request(`/v1/blobs/sha512/${digest.slice(7)}`)).status).toBe(200);
  again.close();
});

test('a backup that is not whole, was changed, or would go over something is not restored', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const { digest } = await publishOne(at, acme, 'ocr');
  const { name } = (await at.admin('POST', '/v1/admin/backup')).json;
  const backup = join(at.folder, 'backups', name);
  using elsewhere = temporaryFolder('restored');
  const refused = { code: 'REGISTRY_BACKUP_REFUSED' };
  await expect(restore(backup, at.folder)).rejects.toMatchObject(refused);
  await expect(restore(elsewhere.path, join(elsewhere.path, 'a'))).rejects.toMatchObject(refused);
  writeFileSync(join(backup, 'blobs.txt'), `${digest}\nsha512-${'0'.repeat(128)}\n`);
  await expect(restore(backup, join(elsewhere.path, 'b'))).rejects.toMatchObject(refused);
  writeFileSync(join(backup, 'blobs.txt'), '../../keys/log.pem\n');
  await expect(restore(backup, join(elsewhere.path, 'c'))).rejects.toMatchObject(refused);
  expect(existsSync(join(elsewhere.path, 'c', 'registry.sqlite'))).toBe(false);
});

test('an attestation is logged, kept once and verified as a hub would; one about something else is refused', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const subject = await publishOne(at, acme, 'ocr');
  const other = await publishOne(at, acme, 'ocr', '1.1.0');
  const reviewer = newKey('org-approver');
  const judgement: Judgement = { verdict: 'approved', by: 'Ada', reason: '', findings: [] };
  const spki = spkiOf(reviewer);
  const path = '/v1/plugins/acme/ocr/1.0.0/attestations';
  const bundle = await signAttestation('org-approval', subject, judgement, reviewer);
  const add = async (json: object, token?: string) =>
    await at.admin('POST', path, { json, ...(token === undefined ? {} : { token }) });
  expect((await add({ kind: 'org-approval', bundle, spki })).status).toBe(201);
  const { attestations } = (await at.ask('GET', path)).json;
  const { logKey } = (await at.ask('GET', '/v1/')).json;
  const keys = new Map([['org-approver', unboundedKey(spki)]]);
  const verified = verifyAttestation(attestations[0], 'org-approval', subject, {
    originsFor: () => [{ origin: ORIGIN, logKey, keys }],
  });
  expect(verified.judgement).toEqual(judgement);
  const size = (await at.ask('GET', '/v1/changes')).json.size;
  const wrong = await signAttestation('org-approval', other, judgement, reviewer);
  expect((await add({ kind: 'org-approval', bundle, spki })).json.code).toBe(
    'REGISTRY_REQUEST_INVALID',
  );
  expect((await add({ kind: 'org-approval', bundle: wrong, spki })).json.code).toBe(
    'SIGNATURE_SUBJECT_MISMATCH',
  );
  expect((await add({ kind: 'scan', bundle, spki })).json.code).toBe('SIGNATURE_MALFORMED');
  expect((await add({ kind: 'org-approval', bundle, spki: spkiOf(newKey('x')) })).json.code).toBe(
    'SIGNATURE_INVALID',
  );
  expect((await at.ask('GET', '/v1/changes')).json.size).toBe(size);
});
