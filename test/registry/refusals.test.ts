import { gzipSync } from 'node:zlib';
import { readArtifact, signArtifact } from '@runtime-hub/plugin-sdk/artifact';
import type { Manifest } from '@runtime-hub/plugin-sdk/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signStatement } from '../../plugin-sdk/artifact/sign.ts';
import { statementFor } from '../../plugin-sdk/artifact/statement.ts';
import {
  artifactOf,
  formOf,
  makePublisher,
  manifestOf,
  newKey,
  openRegistry,
  post,
  publishOne,
  type OpenRegistry,
  type Publisher,
  type Reply,
} from './open-registry.ts';

/** One registry for all: what is refused leaves nothing behind, which the last test looks at. */
let at: OpenRegistry;
let acme: Publisher;
let other: Publisher;

beforeAll(async () => {
  at = await openRegistry({ limits: { publishesPerMinute: null } });
  acme = await makePublisher(at, 'acme');
  other = await makePublisher(at, 'globex');
  await publishOne(at, acme, 'taken');
});
afterAll(async () => await at[Symbol.asyncDispose]());

const sign = async (id: string, version = '1.0.0', more = {}, files = {}) => {
  const artifact = artifactOf(id, version, more, files);
  return { artifact, bundle: await signArtifact(artifact, acme.key) };
};
const send = async (body: FormData, token = acme.token): Promise<Reply> =>
  await at.ask('POST', '/v1/publish', { token, body });

const ATTACKS: Readonly<Record<string, readonly [code: string, attack: () => Promise<Reply>]>> = {
  'no token': [
    'TOKEN_MISSING',
    async () => {
      const { artifact, bundle } = await sign('acme/new');
      return await at.ask('POST', '/v1/publish', { body: formOf(artifact, bundle) });
    },
  ],
  'a made-up token': [
    'TOKEN_INVALID',
    async () =>
      await post(
        at.ask,
        { ...acme, token: `hubr_${'A'.repeat(43)}` },
        artifactOf('acme/new', '1.0.0'),
      ),
  ],
  'a token of another namespace': [
    'TOKEN_SCOPE_TOO_NARROW',
    async () =>
      await post(at.ask, { key: other.key, token: other.token }, artifactOf('acme/new', '1.0.0')),
  ],
  'a token for one plugin, used for another': [
    'TOKEN_SCOPE_TOO_NARROW',
    async () => {
      const json = { scope: 'publish', namespace: 'acme', plugin: 'acme/one', note: '' };
      const { token } = (await at.admin('POST', '/v1/admin/tokens', { json })).json;
      return await post(at.ask, { key: acme.key, token }, artifactOf('acme/two', '1.0.0'));
    },
  ],
  'a token that only reads': [
    'TOKEN_SCOPE_TOO_NARROW',
    async () => {
      const json = { scope: 'read', namespace: 'acme', note: '' };
      const { token } = (await at.admin('POST', '/v1/admin/tokens', { json })).json;
      return await post(at.ask, { key: acme.key, token }, artifactOf('acme/new', '1.0.0'));
    },
  ],
  'the admin, who signs for nobody': [
    'TOKEN_SCOPE_TOO_NARROW',
    async () => {
      const { artifact, bundle } = await sign('acme/new');
      return await at.admin('POST', '/v1/publish', { body: formOf(artifact, bundle) });
    },
  ],
  'a key nobody knows under the name of a known one': [
    'SIGNATURE_INVALID',
    async () =>
      await post(
        at.ask,
        { key: newKey('acme-2026'), token: acme.token },
        artifactOf('acme/new', '1.0.0'),
      ),
  ],
  'a key under a name nobody knows': [
    'PUBLISHER_UNTRUSTED',
    async () =>
      await post(
        at.ask,
        { key: newKey('acme-2027'), token: acme.token },
        artifactOf('acme/new', '1.0.0'),
      ),
  ],
  'a key whose name an object has of its own': [
    'PUBLISHER_UNTRUSTED',
    async () =>
      await post(
        at.ask,
        { key: newKey('constructor'), token: acme.token },
        artifactOf('acme/new', '1.0.0'),
      ),
  ],
  'another publisher’s key in this namespace': [
    'PUBLISHER_UNTRUSTED',
    async () =>
      await post(at.ask, { key: other.key, token: acme.token }, artifactOf('acme/new', '1.0.0')),
  ],
  'an artifact with a bit flipped': [
    'ARTIFACT_MALFORMED',
    async () => {
      const { artifact, bundle } = await sign('acme/new');
      artifact[artifact.length - 1] = (artifact.at(-1) ?? 0) ^ 1;
      return await send(formOf(artifact, bundle));
    },
  ],
  'a bundle of another artifact of the same version': [
    'ARTIFACT_DIGEST_MISMATCH',
    async () => {
      const { bundle } = await sign('acme/new');
      return await send(formOf(artifactOf('acme/new', '1.0.0', { title: 'Other' }), bundle));
    },
  ],
  'a bundle of another version': [
    'SIGNATURE_SUBJECT_MISMATCH',
    async () => {
      const { bundle } = await sign('acme/new', '1.0.1');
      return await send(formOf(artifactOf('acme/new', '1.0.0'), bundle));
    },
  ],
  'a bundle that is no JSON': [
    'SIGNATURE_MALFORMED',
    async () => await send(formOf(artifactOf('acme/new', '1.0.0'), 'null')),
  ],
  'other bytes under a version that is there': [
    'REGISTRY_VERSION_EXISTS',
    async () => await post(at.ask, acme, artifactOf('acme/taken', '1.0.0', { title: 'Changed' })),
  ],
  'the same bytes once more': [
    'REGISTRY_VERSION_EXISTS',
    async () => await post(at.ask, acme, artifactOf('acme/taken', '1.0.0')),
  ],
  'a version with build metadata, which semver takes for the same': [
    'MANIFEST_INVALID',
    async () => await send(await forged('acme/new', '1.0.0+evil')),
  ],
  'a version with a v': [
    'MANIFEST_INVALID',
    async () => await send(await forged('acme/new', 'v1.0.0')),
  ],
  'a version with a leading zero': [
    'MANIFEST_INVALID',
    async () => await send(await forged('acme/new', '1.0.0-01')),
  ],
  'a version beyond all numbers': [
    'MANIFEST_INVALID',
    async () => await send(await forged('acme/new', '99999999999999999999.0.0')),
  ],
  'an artifact without a README': [
    'PUBLISH_RULES_BROKEN',
    async () => {
      const files = { 'README.md': '' };
      return await post(at.ask, acme, artifactOf('acme/new', '1.0.0', {}, files));
    },
  ],
  'an artifact that holds a private key': [
    'PUBLISH_RULES_BROKEN',
    async () => {
      const key = newKey('x').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      return await post(at.ask, acme, artifactOf('acme/new', '1.0.0', {}, { 'deploy.txt': key }));
    },
  ],
  'an icon that runs': [
    'PUBLISH_RULES_BROKEN',
    async () => {
      const icon =
        '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>1</script></svg>';
      return await post(at.ask, acme, artifactOf('acme/new', '1.0.0', {}, { 'icon.svg': icon }));
    },
  ],
  'a body of another type': [
    'REGISTRY_ENCODING_REFUSED',
    async () => await at.ask('POST', '/v1/publish', { token: acme.token, json: {} }),
  ],
  'a body that is packed': [
    'REGISTRY_ENCODING_REFUSED',
    async () =>
      await at.ask('POST', '/v1/publish', {
        token: acme.token,
        body: new Uint8Array(gzipSync(Buffer.alloc(64 * 1024 * 1024))),
        headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-encoding': 'gzip' },
      }),
  ],
  'a body that is no multipart': [
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await at.ask('POST', '/v1/publish', {
        token: acme.token,
        body: 'nothing of the kind',
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
      }),
  ],
  'two artifacts': [
    'REGISTRY_REQUEST_INVALID',
    async () => {
      const { artifact, bundle } = await sign('acme/new');
      const form = formOf(artifact, bundle);
      form.append('artifact', new Blob([artifact]), 'second.tgz');
      return await send(form);
    },
  ],
  'a part nobody asked for': [
    'REGISTRY_REQUEST_INVALID',
    async () => {
      const { artifact, bundle } = await sign('acme/new');
      const form = formOf(artifact, bundle);
      form.append('__proto__', 'x');
      return await send(form);
    },
  ],
  'a bundle over its limit': [
    'REGISTRY_BODY_TOO_LARGE',
    async () => {
      const { artifact } = await sign('acme/new');
      return await send(formOf(artifact, ' '.repeat(1024 * 1024 + 1)));
    },
  ],
  'a body over all limits': [
    'REGISTRY_BODY_TOO_LARGE',
    async () => await send(formOf(new Uint8Array(22 * 1024 * 1024), 'x')),
  ],
};

/** An upload whose manifest no tool of ours would sign. */
async function forged(id: string, version: string): Promise<FormData> {
  const artifact = artifactOf(id, version);
  // SAFETY: that it is no manifest is the point.
  const manifest = manifestOf(id, version) as unknown as Manifest;
  const statement = statementFor(artifact, readArtifact(artifact), manifest);
  return formOf(artifact, await signStatement(statement, acme.key));
}

test.each(Object.entries(ATTACKS))('%s is refused', async (_name, [code, attack]) => {
  const reply = await attack();
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.json).toMatchObject({ code, status: reply.status });
  expect(reply.text).not.toContain(acme.token);
});

test('what was refused is in no list, no log and no answer', async () => {
  const { entries } = (await at.ask('GET', '/v1/changes')).json;
  expect(entries).toHaveLength(4);
  expect((await at.ask('GET', '/v1/plugins')).json.items).toHaveLength(1);
  expect((await at.ask('GET', '/v1/plugins/acme/new')).json.code).toBe('REGISTRY_NOT_FOUND');
});
