import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  parseManifest,
  readArtifact,
  signArtifact,
  spkiOf,
  type PublisherKey,
} from '@runtime-hub/plugin-sdk/artifact';
import { openBlobs } from '../../registry/blobs/index.ts';
import { systemClock } from '../../registry/clock.ts';
import { openLog, openLogKey } from '../../registry/log/index.ts';
import { claimNamespace, recordKey } from '../../registry/namespaces/claim.ts';
import { commitVersion } from '../../registry/publish/commit.ts';
import { openStore } from '../../registry/store/index.ts';
import { ORIGIN, artifactOf, keyRequest, newKey } from '../registry/open-registry.ts';

export const NAMESPACE = 'bench';
/** Words that titles are made of, so that a search finds some and not all. */
const WORDS = ['screen', 'mail', 'invoice', 'image', 'table', 'queue', 'sensor', 'archive'];

export const nameAt = (index: number): string => `pack-${String(index)}`;
export const wordAt = (index: number): string => WORDS[index % WORDS.length] ?? '';

/**
 * Fills a data folder that no registry has open with `count` signed versions, each with its blob, leaf, receipt and
 * listing, by the registry's own functions and in one transaction. The key that may go on publishing.
 */
export async function seed(folder: string, count: number): Promise<PublisherKey> {
  const key = newKey(`${NAMESPACE}-2026`);
  const uploads = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const title = `${wordAt(index)} ${wordAt(index >> 3)} ${String(index)}`;
      const artifact = artifactOf(`${NAMESPACE}/${nameAt(index)}`, '1.0.0', { title });
      return { artifact, bundle: await signArtifact(artifact, key) };
    }),
  );
  mkdirSync(folder, { recursive: true });
  const store = openStore(folder);
  store.settings.set('origin', ORIGIN);
  const signer = { origin: ORIGIN, privateKey: openLogKey(folder) };
  const clock = systemClock;
  const parts = { store, clock, log: openLog(store, signer, clock) };
  const blobs = await openBlobs(`${folder}/blobs`);
  store.transaction(() => {
    const wish = { name: NAMESPACE, visibility: 'public', review: false, despite: [] } as const;
    const namespace = claimNamespace(parts, wish);
    // SAFETY: the form of a request is that of a change of keys.
    const change = keyRequest(NAMESPACE, key, [key]) as unknown as Parameters<typeof recordKey>[2];
    recordKey(parts, namespace, { ...change, actor: 'bench' });
    for (const { artifact, bundle } of uploads) {
      const { digest, files } = readArtifact(artifact);
      const manifest = parseManifest(
        JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString()),
      );
      const examined = { manifest, digest, files, bundle, publisher: key.hint, spki: spkiOf(key) };
      mkdirSync(dirname(blobs.fileOf(digest)), { recursive: true });
      writeFileSync(blobs.fileOf(digest), artifact);
      commitVersion(parts, namespace, examined, {
        findings: [],
        held: null,
        bytes: artifact.length,
      });
    }
  });
  store.close();
  return key;
}
