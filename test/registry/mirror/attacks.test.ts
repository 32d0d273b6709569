import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { servedFolder } from '../../../registry/mirror/index.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { between, mirrorScene, servingFiles, type MirrorScene } from './mirror-scene.ts';

let scene: MirrorScene;
beforeEach(async () => {
  scene = await mirrorScene();
  await scene.publish('words', '1.0.0');
});
afterEach(async () => await scene[Symbol.asyncDispose]());

const checkpoint = (): string =>
  readFileSync(join(servedFolder(scene.folder), 'v1/log/checkpoint'), 'utf8');

const flipped = (body: Buffer, at = body.length >> 1): Buffer => {
  const other = Buffer.from(body);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
};

/** One look through somebody who changes what comes back. */
async function lookThrough(
  change: (path: string, body: Buffer, status: number) => Buffer | null,
): Promise<unknown> {
  const uplink = await scene.uplink();
  await using peer = await between(scene.at.url, change);
  return await scene.look(uplink, { url: peer.url });
}

test('whatever is changed on the way, the version is named with its own code and left out', async () => {
  const changes: [RegExp, (body: Buffer) => Buffer, string][] = [
    [/blobs/u, flipped, 'ARTIFACT_DIGEST_MISMATCH'],
    [/bundle$/u, () => Buffer.from('{}'), 'SIGNATURE_MALFORMED'],
    [/bundle$/u, withoutReceipt, 'SIGNATURE_MALFORMED'],
    [/bundle$/u, withOtherSignature, 'SIGNATURE_INVALID'],
  ];
  for (const [pattern, change, code] of changes) {
    const report = await lookThrough((path, body) => (pattern.test(path) ? change(body) : body));
    expect(report).toMatchObject({ taken: [], refused: [{ version: '1.0.0', code }] });
  }
  expect(await scene.look(await scene.uplink())).toMatchObject({ taken: [{ version: '1.0.0' }] });
});

function withoutReceipt(body: Buffer): Buffer {
  const bundle = JSON.parse(body.toString()) as { verificationMaterial: { tlogEntries?: unknown } };
  delete bundle.verificationMaterial.tlogEntries;
  return Buffer.from(JSON.stringify(bundle));
}

function withOtherSignature(body: Buffer): Buffer {
  const bundle = JSON.parse(body.toString()) as { dsseEnvelope: { signatures: { sig: string }[] } };
  const [signature] = bundle.dsseEnvelope.signatures;
  if (signature !== undefined)
    signature.sig = flipped(Buffer.from(signature.sig, 'base64')).toString('base64');
  return Buffer.from(JSON.stringify(bundle));
}

test('the bundle of another version of the same plugin does not stand for this one', async () => {
  await scene.publish('words', '1.1.0');
  const other = (await scene.at.ask('GET', '/v1/plugins/acme/words/1.1.0/bundle')).text;
  const report = await lookThrough((path, body) =>
    path.endsWith('1.0.0/bundle') ? Buffer.from(other) : body,
  );
  expect(report).toMatchObject({
    taken: [{ version: '1.1.0' }],
    refused: [{ version: '1.0.0', code: 'SIGNATURE_SUBJECT_MISMATCH' }],
  });
});

test('a log that shrinks, forks, stands still or is somebody else’s changes nothing', async () => {
  const uplink = await scene.uplink();
  const early = (await scene.at.ask('GET', '/v1/log/checkpoint')).text;
  await scene.publish('words', '1.1.0');
  await scene.look(uplink);
  const before = checkpoint();
  const rolledBack = lookThrough((path, body) =>
    path.endsWith('/checkpoint') ? Buffer.from(early) : body,
  );
  await expect(rolledBack).rejects.toMatchObject({ code: 'LOG_ROLLED_BACK' });
  await scene.publish('words', '1.2.0');
  const forged = lookThrough((path, body) =>
    path.endsWith('/checkpoint')
      ? Buffer.from(body.toString().replace(/\n\d+\n/u, '\n999\n'))
      : body,
  );
  await expect(forged).rejects.toMatchObject({ code: 'LOG_CHECKPOINT_FORGED' });
  const left = lookThrough((path, body) =>
    path.startsWith('/v1/changes') ? withOtherLeaf(body) : body,
  );
  await expect(left).rejects.toMatchObject({
    code: expect.stringMatching(/^LOG_(?:FORKED|LEAF_MALFORMED)$/u),
  });
  // The checkpoint above was genuine, so a proof is owed from there on.
  await scene.publish('words', '1.3.0');
  const unproven = lookThrough((path, body) =>
    path.startsWith('/v1/log/proof')
      ? Buffer.from(body.toString().replace(/"proof":\[.*\]/u, '"proof":[]'))
      : body,
  );
  await expect(unproven).rejects.toMatchObject({ code: 'LOG_FORKED' });
  const still = (await scene.at.ask('GET', '/v1/log/checkpoint')).text;
  scene.at.clock.advance(8 * 24 * 3_600_000);
  const frozen = lookThrough((path, body) =>
    path.endsWith('/checkpoint') ? Buffer.from(still) : body,
  );
  await expect(frozen).rejects.toMatchObject({ code: 'LOG_FROZEN' });
  expect(checkpoint()).toBe(before);
});

function withOtherLeaf(body: Buffer): Buffer {
  const changes = JSON.parse(body.toString()) as { entries: { leaf: string }[] };
  const [entry] = changes.entries;
  if (entry !== undefined) {
    const leaf = Buffer.from(entry.leaf, 'base64').toString();
    entry.leaf = Buffer.from(leaf.replaceAll('1.2.0', '6.6.6')).toString('base64');
  }
  return Buffer.from(JSON.stringify(changes));
}

test('a registry of the same name with other keys is not the origin', async () => {
  const uplink = await scene.uplink();
  await scene.look(uplink);
  await using impostor = await mirrorScene();
  await impostor.publish('words', '9.9.9');
  await expect(scene.look(uplink, { url: impostor.at.url })).rejects.toMatchObject({
    code: 'REGISTRY_IDENTITY_MISMATCH',
  });
});

test('root-of-trust files that are older, cut short, endless or of somebody else are refused', async () => {
  const uplink = await scene.uplink();
  await scene.look(uplink);
  using copy = temporaryFolder('older');
  cpSync(servedFolder(scene.folder), copy.path, { recursive: true });
  const changed = async (pattern: RegExp, change: (body: Buffer) => Buffer): Promise<unknown> =>
    await lookThrough((path, body, status) =>
      pattern.test(path) && status === 200 ? change(body) : body,
    ).then(
      () => 'taken',
      (error: unknown) => (error as { code: unknown }).code,
    );
  const bumped = (body: Buffer): Buffer =>
    Buffer.from(body.toString().replace('"version":1', '"version":7'));
  expect(await changed(/timestamp\.json/u, bumped)).toBe('REGISTRY_METADATA_REFUSED');
  expect(await changed(/timestamp\.json/u, (body) => body.subarray(0, 40))).toBe(
    'REGISTRY_METADATA_REFUSED',
  );
  expect(
    await changed(/timestamp\.json/u, (body) =>
      Buffer.concat([body, Buffer.alloc(20_000_000, 32)]),
    ),
  ).toMatch(/^REGISTRY_(?:METADATA_REFUSED|RESPONSE_INVALID)$/u);
  expect(await changed(/trusted_root\.json/u, flipped)).toBe('REGISTRY_METADATA_REFUSED');
  expect(await scene.look(uplink)).toMatchObject({ refused: [] });
});

test('a mirror’s folder put back to an earlier state is seen by whoever read the later one', async () => {
  const uplink = await scene.uplink();
  await scene.look(uplink);
  using copy = temporaryFolder('earlier');
  cpSync(servedFolder(scene.folder), copy.path, { recursive: true });
  await scene.publish('words', '1.1.0');
  await scene.look(uplink);
  await using files = await servingFiles(copy.path);
  await expect(scene.look(uplink, { url: files.url })).rejects.toMatchObject({
    code: 'LOG_ROLLED_BACK',
  });
});
