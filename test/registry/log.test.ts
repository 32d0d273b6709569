import { createPublicKey } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  MemoryTree,
  isConsistent,
  isIncluded,
  leafHash,
  openCheckpoint,
  parseEntryTile,
  parseTilePath,
  rootAt,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  makePublisher,
  openRegistry,
  ORIGIN,
  publishOne,
  type OpenRegistry,
  type Publisher,
} from './open-registry.ts';

let at: OpenRegistry;
let acme: Publisher;

beforeAll(async () => {
  at = await openRegistry({ limits: { publishesPerMinute: null } });
  acme = await makePublisher(at, 'acme');
  for (let minor = 0; minor < 8; minor++) await publishOne(at, acme, 'ocr', `1.${String(minor)}.0`);
});
afterAll(async () => await at[Symbol.asyncDispose]());

const leavesOf = async (): Promise<Buffer[]> =>
  (await at.ask('GET', '/v1/changes')).json.entries.map((it: { leaf: string }) =>
    Buffer.from(it.leaf, 'base64'),
  );

async function checkpointOf() {
  const { logKey } = (await at.ask('GET', '/v1/')).json;
  const publicKey = createPublicKey({
    key: Buffer.from(logKey, 'base64'),
    type: 'spki',
    format: 'der',
  });
  return openCheckpoint((await at.ask('GET', '/v1/log/checkpoint')).text, {
    origin: ORIGIN,
    publicKey,
  });
}

test('a merged bundle passes the stock Sigstore verifier at its default thresholds, with the root of trust served', async () => {
  const { text } = await at.ask('GET', '/v1/plugins/acme/ocr/1.3.0/bundle');
  const { tufRootSha256 } = (await at.ask('GET', '/v1/')).json;
  expect(tufRootSha256).toMatch(/^[0-9a-f]{64}$/u);
  const targets = (await at.ask('GET', '/v1/tuf/1.targets.json')).json.signed.targets;
  const pin = targets['trusted_root.json'].hashes.sha256;
  const root = (await at.ask('GET', `/v1/tuf/targets/${pin}.trusted_root.json`)).json;
  const key = createPublicKey(acme.key.privateKey);
  const trust = toTrustMaterial(TrustedRoot.fromJSON(root), () => ({
    publicKey: key,
    validFor: () => true,
  }));
  const verify = (json: object) =>
    new Verifier(trust).verify(toSignedEntity(bundleFromJSON(json as never)));
  expect(() => verify(JSON.parse(text))).not.toThrow();
  const forged = JSON.parse(text);
  forged.verificationMaterial.tlogEntries[0].integratedTime = '1';
  expect(() => verify(forged)).toThrow(/inclusion promise/u);
});

test('tiles give the very leaves and hashes of the tree that the checkpoint signs', async () => {
  const leaves = await leavesOf();
  const tree = new MemoryTree(leaves.map((it) => leafHash(it)));
  const { size, root } = await checkpointOf();
  expect(rootAt(tree, size).equals(root)).toBe(true);
  const width = String(size);
  const bytes = async (path: string) =>
    Buffer.from(await (await fetch(`${at.url}/v1/log/${path}`)).arrayBuffer());
  const entries = `tile/entries/000.p/${width}`;
  const tile = parseTilePath(entries);
  expect(tile === null ? [] : parseEntryTile(await bytes(entries), tile)).toEqual(leaves);
  const hashes = Buffer.concat(leaves.map((it) => leafHash(it)));
  expect((await bytes(`tile/0/000.p/${width}`)).equals(hashes)).toBe(true);
});

test('each growth of the log is proven consistent, and each leaf included', async () => {
  const tree = new MemoryTree((await leavesOf()).map((it) => leafHash(it)));
  const { size: to } = await checkpointOf();
  for (let from = 1; from <= to; from++) {
    const { proof } = (await at.ask('GET', `/v1/log/proof?from=${String(from)}&to=${String(to)}`))
      .json;
    const hashes = proof.map((it: string) => Buffer.from(it, 'base64'));
    expect(
      isConsistent({
        from,
        to,
        fromRoot: rootAt(tree, from),
        toRoot: rootAt(tree, to),
        proof: hashes,
      }),
    ).toBe(true);
    const index = from - 1;
    const leaf = (await at.ask('GET', `/v1/log/inclusion?index=${String(index)}`)).json;
    const path = leaf.proof.map((it: string) => Buffer.from(it, 'base64'));
    const hash = leafHash(Buffer.from(leaf.leaf, 'base64'));
    expect(isIncluded({ index, size: to, leaf: hash, proof: path, root: rootAt(tree, to) })).toBe(
      true,
    );
  }
});

test.each([
  ['/v1/log/tile/0/001', 'REGISTRY_NOT_FOUND'],
  ['/v1/log/tile/0/000', 'REGISTRY_NOT_FOUND'],
  ['/v1/log/tile/9/../../../etc/passwd', 'REGISTRY_NOT_FOUND'],
  ['/v1/log/tile/0/000.p/999', 'REGISTRY_NOT_FOUND'],
  ['/v1/log/tile/-1/000', 'REGISTRY_NOT_FOUND'],
  ['/v1/log/proof?from=1&to=1000000', 'REGISTRY_REQUEST_INVALID'],
  ['/v1/log/proof?from=5&to=2', 'REGISTRY_REQUEST_INVALID'],
  ['/v1/log/proof?from=1e3', 'REGISTRY_REQUEST_INVALID'],
  ['/v1/log/inclusion?index=100000', 'REGISTRY_NOT_FOUND'],
  ['/v1/changes?since=-1', 'REGISTRY_REQUEST_INVALID'],
  ['/v1/changes?limit=999999999999999999', 'REGISTRY_REQUEST_INVALID'],
  ['/v1/tuf/..%2f..%2fkeys%2flog.pem', 'REGISTRY_NOT_FOUND'],
  ['/v1/tuf/keys/online.pem', 'REGISTRY_NOT_FOUND'],
])('%s is refused', async (path, code) => {
  expect((await at.ask('GET', path)).json.code).toBe(code);
});

test('an idle log signs its checkpoint anew every ten minutes, so that one who hides news is found out', async () => {
  const before = await checkpointOf();
  at.clock.advance(9 * 60_000);
  expect((await checkpointOf()).at).toBe(before.at);
  at.clock.advance(60_000);
  const after = await checkpointOf();
  expect(after.at).toBe(before.at + 10 * 60_000);
  expect(after.size).toBe(before.size);
});
