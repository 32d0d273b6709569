import { gzipSync } from 'node:zlib';
import { signArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { expect, test } from 'vitest';
import { artifactOf, formOf, newKey, post, type Reply } from '../../registry/open-registry.ts';
import { at, acme, hidden, playAttacks, get, publishing, logSize } from './api-stage.ts';

playAttacks('a version that is published again', [
  [
    'the same version with other bytes',
    'REGISTRY_VERSION_EXISTS',
    async () => await publishing('acme/taken', '1.0.0', { title: 'Evil' }),
  ],
  [
    'other bytes after a yank',
    'REGISTRY_VERSION_EXISTS',
    async () => await publishing('acme/yanked', '1.0.0', { title: 'Evil' }),
  ],
  [
    'other bytes after a revocation',
    'REGISTRY_VERSION_EXISTS',
    async () => await publishing('acme/revoked', '1.0.0', { title: 'Evil' }),
  ],
  [
    'the same bytes after a revocation',
    'REGISTRY_VERSION_EXISTS',
    async () => await publishing('acme/revoked'),
  ],
  [
    'an Idempotency-Key that is a path',
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await post(at.ask, acme, artifactOf('acme/new', '1.0.0'), { 'idempotency-key': '../../x' }),
  ],
]);

const upload = async (body: FormData, headers = {}): Promise<Reply> =>
  await at.ask('POST', '/v1/publish', { token: acme.token, body, headers });
async function signed(id = 'acme/new', files = {}): Promise<FormData> {
  const artifact = artifactOf(id, '1.0.0', {}, files);
  return formOf(artifact, await signArtifact(artifact, acme.key));
}
playAttacks('an upload that harms', [
  [
    'a body that unpacks to more than was sent',
    'REGISTRY_ENCODING_REFUSED',
    async () =>
      await at.ask('POST', '/v1/publish', {
        token: acme.token,
        body: new Uint8Array(gzipSync(Buffer.alloc(64 * 1024 * 1024))),
        headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-encoding': 'gzip' },
      }),
  ],
  [
    'a body over all limits',
    'REGISTRY_BODY_TOO_LARGE',
    async () => await upload(formOf(new Uint8Array(22 * 1024 * 1024), 'x')),
  ],
  [
    'a bundle over its limit',
    'REGISTRY_BODY_TOO_LARGE',
    async () => await upload(formOf(artifactOf('acme/new', '1.0.0'), ' '.repeat(1024 * 1024 + 1))),
  ],
  [
    'a form with the artifact twice',
    'REGISTRY_REQUEST_INVALID',
    async () => {
      const form = await signed();
      form.append('artifact', new Blob(['evil']), 'evil.tgz');
      return await upload(form);
    },
  ],
  [
    'a form with a part __proto__',
    'REGISTRY_REQUEST_INVALID',
    async () => {
      const form = await signed();
      form.append('__proto__', 'x');
      return await upload(form);
    },
  ],
  [
    'an artifact that is a zip',
    'ARTIFACT_MALFORMED',
    async () => {
      const { artifact, bundle } = await partsOf(await signed());
      artifact.set([0x50, 0x4b, 0x03, 0x04]);
      return await upload(formOf(artifact, bundle));
    },
  ],
  [
    'a plugin with a .env file',
    'PUBLISH_RULES_BROKEN',
    async () => await upload(await signed('acme/new', { '.env': 'TOKEN=ghp_0123456789' })),
  ],
  [
    'a plugin with a private key',
    'PUBLISH_RULES_BROKEN',
    async () => {
      const pem = newKey('x').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      return await upload(await signed('acme/new', { 'notes.txt': pem }));
    },
  ],
  [
    'an icon with a script',
    'PUBLISH_RULES_BROKEN',
    async () => {
      const icon = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
      return await upload(await signed('acme/new', { 'icon.svg': icon }));
    },
  ],
  [
    'JSON with a key of every object',
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await at.ask('POST', '/v1/plugins/acme/taken/1.0.0/yank', {
        token: acme.token,
        headers: { 'content-type': 'application/json' },
        body: '{"reason":"x","__proto__":{"scope":"admin"}}',
      }),
  ],
  [
    'JSON nested without end',
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await at.ask('POST', '/v1/resolve', {
        headers: { 'content-type': 'application/json' },
        body: `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      }),
  ],
  [
    'a form in place of JSON, as other pages can send',
    'REGISTRY_ENCODING_REFUSED',
    async () =>
      await at.ask('POST', '/v1/plugins/acme/taken/1.0.0/yank', {
        token: acme.token,
        headers: { 'content-type': 'text/plain' },
        body: '{"reason":"x"}',
      }),
  ],
]);

async function partsOf(
  form: FormData,
): Promise<{ artifact: Uint8Array<ArrayBuffer>; bundle: string }> {
  // SAFETY: `formOf` made both parts.
  const [artifact, bundle] = [form.get('artifact') as File, form.get('bundle') as File];
  return { artifact: new Uint8Array(await artifact.arrayBuffer()), bundle: await bundle.text() };
}

test('after all of that the log is whole and the catalog has only what was honestly published', async () => {
  const found = (await get('/v1/plugins?limit=100', { token: hidden.token })).json.items;
  expect(found.map((it: { id: string }) => it.id)).toEqual(['acme/taken', 'skunkworks/rocket']);
  const size = await logSize();
  const { entries } = (await get('/v1/changes')).json;
  expect(entries).toHaveLength(size);
});
