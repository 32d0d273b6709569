import { createHash, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  unboundedKey,
  verifyRelease,
  spkiOf,
  openCheckpoint,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  artifactOf,
  makePublisher,
  openRegistry,
  ORIGIN,
  post,
  publishOne,
} from './open-registry.ts';

test('a version that is published is found, fetched and verified as a hub would', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const artifact = artifactOf('acme/ocr', '1.0.0');
  const reply = await post(at.ask, acme, artifact);
  expect(reply.status).toBe(201);
  expect(reply.json).toMatchObject({ id: 'acme/ocr', version: '1.0.0', state: 'active' });
  const found = await at.ask('GET', '/v1/plugins?q=ocr');
  expect(found.json.items).toMatchObject([
    { id: 'acme/ocr', version: '1.0.0', publisher: 'acme-2026' },
  ]);
  const { digest } = reply.json;
  const blob = await fetch(`${at.url}/v1/blobs/sha512/${digest.slice(7)}`);
  const bytes = await blob.bytes();
  expect(`sha512-${createHash('sha512').update(bytes).digest('hex')}`).toBe(digest);
  const bundle = await at.ask('GET', '/v1/plugins/acme/ocr/1.0.0/bundle');
  const { logKey } = (await at.ask('GET', '/v1/')).json;
  const keys = new Map([['acme-2026', unboundedKey(spkiOf(acme.key))]]);
  const verified = verifyRelease(bytes, bundle.text, {
    originsFor: () => [{ origin: ORIGIN, logKey, keys }],
  });
  expect(verified).toMatchObject({
    digest,
    publisher: 'acme-2026',
    origin: ORIGIN,
    logIndex: reply.json.logIndex,
  });
});

test('each publication adds its leaf and its state to the log, under a signed checkpoint', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await publishOne(at, acme, 'ocr');
  const { logKey } = (await at.ask('GET', '/v1/')).json;
  const publicKey = createPublicKey({
    key: Buffer.from(logKey, 'base64'),
    type: 'spki',
    format: 'der',
  });
  const note = await at.ask('GET', '/v1/log/checkpoint');
  expect(openCheckpoint(note.text, { origin: ORIGIN, publicKey }).size).toBe(3);
  const { entries } = (await at.ask('GET', '/v1/changes?since=0')).json;
  const events = entries.map((it: { leaf: string }) =>
    JSON.parse(Buffer.from(it.leaf, 'base64').toString()),
  );
  expect(events[0].spec).toMatchObject({ event: 'key', change: 'added', namespace: 'acme' });
  expect(events[1].hub).toMatchObject({ event: 'published', plugin: 'acme/ocr', version: '1.0.0' });
  expect(events[2].spec).toMatchObject({
    event: 'state',
    from: 'staged',
    to: 'active',
    actor: 'registry',
  });
});
