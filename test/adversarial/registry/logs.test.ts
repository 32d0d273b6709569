import { expect, test } from 'vitest';
import { RegistryLog } from '../../plugin-sdk/artifact/registry-log.ts';
import { type Bundle, type Entry } from '../../plugin-sdk/artifact/release-parts.ts';
import { RegistryScene, changed } from '../../support/registry-scene.ts';
import { playTries, type Try } from './tries.ts';

const scene = new RegistryScene();
const { log, acme } = scene;
await scene.release({ version: '0.9.0' });
const good = await scene.release();
// SAFETY: the scene made it.
const other = (JSON.parse((await scene.release({ version: '2.0.0' })).bundle) as Bundle)
  .verificationMaterial.tlogEntries;

const withEntry = (change: (entry: Entry, bundle: Bundle) => void) => (): unknown =>
  scene.admit({
    ...good,
    bundle: changed(good.bundle, (bundle) => {
      const [entry] = bundle.verificationMaterial.tlogEntries;
      if (entry !== undefined) change(entry, bundle);
    }),
  });
const flipped = (base64: string): string => {
  const bytes = Buffer.from(base64, 'base64');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString('base64');
};
/** The same release in a log of the same name but another key, or of another name but the same key. */
const loggedBy = (rogue: RegistryLog) => async (): Promise<unknown> =>
  scene.admit({ ...good, bundle: await rogue.publish(good.artifact, acme) });
function sameKey(origin: string): RegistryLog {
  const rogue = new RegistryLog(origin);
  return Object.assign(rogue, { privateKey: log.privateKey });
}

test('the release that these attacks are made from is admitted', () => {
  expect(scene.admit(good).manifest.id).toBe('acme/ocr');
});

playTries('a receipt that is none', [
  {
    name: 'no receipt',
    code: 'SIGNATURE_MALFORMED',
    act: withEntry((_, { verificationMaterial }) => (verificationMaterial.tlogEntries = [])),
  },
  {
    name: 'the receipt twice',
    code: 'SIGNATURE_MALFORMED',
    act: withEntry((it, { verificationMaterial }) => verificationMaterial.tlogEntries.push(it)),
  },
  {
    name: 'the receipt of another release',
    code: 'SIGNATURE_INVALID',
    act: withEntry((_, bundle) => (bundle.verificationMaterial.tlogEntries = other)),
  },
  {
    name: 'the receipt of a rogue log of the same name',
    code: 'SIGNATURE_INVALID',
    act: loggedBy(new RegistryLog()),
  },
  {
    name: 'the receipt of a log nobody trusts',
    code: 'POLICY_NAMESPACE_EXCLUSIVE',
    act: loggedBy(new RegistryLog('evil.example')),
  },
  {
    name: 'the receipt of the right key under another name',
    code: 'POLICY_NAMESPACE_EXCLUSIVE',
    act: loggedBy(sameKey('evil.example')),
  },
  {
    name: 'a receipt dated back',
    code: 'SIGNATURE_INVALID',
    act: withEntry((it) => (it.integratedTime = '1600000000')),
  },
  {
    name: 'a receipt dated ahead',
    code: 'SIGNATURE_INVALID',
    act: withEntry((it) => (it.integratedTime = '4000000000')),
  },
  {
    name: 'a receipt at another place of the log',
    code: 'SIGNATURE_INVALID',
    act: withEntry((it) => {
      it.logIndex = '0';
      it.inclusionProof.logIndex = '0';
    }),
  },
  {
    name: 'a proof with a bit flipped',
    code: 'SIGNATURE_INVALID',
    act: withEntry(({ inclusionProof }) => {
      inclusionProof.hashes[0] = flipped(inclusionProof.hashes[0] ?? '');
    }),
  },
  {
    name: 'a proof one hash short',
    code: 'SIGNATURE_INVALID',
    act: withEntry(({ inclusionProof }) => inclusionProof.hashes.pop()),
  },
  {
    name: 'a proof one hash too long',
    code: 'SIGNATURE_INVALID',
    act: withEntry(({ inclusionProof: { hashes } }) => hashes.push(hashes[0] ?? '')),
  },
  {
    name: 'no proof',
    code: 'SIGNATURE_MALFORMED',
    act: withEntry((it) => delete (it as Partial<Entry>).inclusionProof),
  },
  {
    name: 'no promise',
    code: 'SIGNATURE_MALFORMED',
    act: withEntry((it) => delete it.inclusionPromise),
  },
  {
    name: 'a promise with a bit flipped',
    code: 'SIGNATURE_INVALID',
    act: withEntry((it) => {
      const promise = it.inclusionPromise?.signedEntryTimestamp ?? '';
      it.inclusionPromise = { signedEntryTimestamp: flipped(promise) };
    }),
  },
  {
    name: 'a proof in a tree that is not its checkpoint’s',
    code: 'SIGNATURE_MALFORMED',
    act: withEntry(({ inclusionProof }) => (inclusionProof.treeSize = '1000')),
  },
  {
    name: 'a checkpoint with another size and its old signature',
    code: 'SIGNATURE_INVALID',
    act: withEntry(({ inclusionProof }) => {
      const lines = inclusionProof.checkpoint.envelope.split('\n');
      lines[1] = inclusionProof.treeSize = String(Number(lines[1]) + 1);
      inclusionProof.checkpoint.envelope = lines.join('\n');
    }),
  },
  {
    name: 'another leaf than was signed',
    code: 'SIGNATURE_INVALID',
    act: withEntry((it) => (it.canonicalizedBody = other[0]?.canonicalizedBody ?? '')),
  },
]);

/** The log itself says something else in words than what was signed. */
const lying = (name: string, said: object): Try => ({
  name,
  code: 'LOG_LEAF_MISMATCH',
  act: async () => scene.admit(await scene.release({}, acme, said)),
});
playTries('a log that says something else than the release', [
  lying('a leaf that names another plugin', { plugin: 'acme/pdf' }),
  lying('a leaf that names another version', { version: '9.9.9' }),
  lying('a leaf that names another digest', { digest: `sha512-${'0'.repeat(128)}` }),
  lying('a leaf that names another publisher', { publisher: 'globex-2026' }),
]);
