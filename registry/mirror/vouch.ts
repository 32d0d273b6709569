import { createPrivateKey, generateKeyPairSync, hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  mergeReceipt,
  parseBundle,
  publicationLeaf,
  readArtifact,
  signAttestation,
  spkiOf,
  unboundedKey,
  verifyAttestation,
  withoutReceipts,
  type AttestationKind,
  type AttestationSubject,
  type PublisherKey,
} from '@runtime-hub/plugin-sdk/artifact';
import { checkArtifact } from '@runtime-hub/plugin-sdk/check';
import type { VersionRecord } from '@runtime-hub/plugin-sdk/contract';
import { invalid } from '../http/index.ts';
import type { Parts } from '../parts.ts';

export interface Vouched {
  readonly kind: AttestationKind;
  readonly bundle: string;
  /** Key that signed, base64 DER. */
  readonly spki: string;
}

/** The key with which a registry says what it mirrored; made at first use, for its owner only. */
export function mirrorKey(data: string): PublisherKey {
  const file = join(data, 'keys', 'mirror.pem');
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx', flush: true });
  }
  return { hint: 'mirror', privateKey: createPrivateKey(readFileSync(file)) };
}

/** The mirror's own word on a version it took: verified as a hub would, and what its rules find in it. */
export async function ownWord(
  key: PublisherKey,
  by: string,
  { id, version, digest, manifest }: VersionRecord,
  artifact: Uint8Array,
): Promise<Vouched> {
  const { files } = readArtifact(artifact);
  const findings = [...checkArtifact({ files }, manifest, { knownIds: [] })].slice(0, 1000);
  const judgement = {
    ...{ verdict: 'approved' as const, by, findings },
    reason: 'Mirrored: signature, receipt and log of its origin hold',
  };
  const bundle = await signAttestation('scan', { id, version, digest }, judgement, key);
  return { kind: 'scan', bundle, spki: spkiOf(key) };
}

/** Logs what somebody vouches for in this registry's log; the bundle with its receipt. Throws SIGNATURE_…, ARTIFACT_DIGEST_MISMATCH. */
export function takeDown(
  { store, log, clock }: Pick<Parts, 'store' | 'log' | 'clock'>,
  { kind, bundle: given, spki }: Vouched,
  subject: AttestationSubject,
): { readonly bundle: string; readonly verdict: 'approved' | 'refused' } {
  const bundle = withoutReceipts(given);
  const { claim } = parseBundle(bundle);
  if (!('hint' in claim)) throw invalid('bundle', 'is signed with a certificate');
  return store.transaction(() => {
    const index = log.append(publicationLeaf(bundle, spki));
    const merged = mergeReceipt(bundle, log.receipt(index, clock.now()));
    const keys = new Map([[claim.hint, unboundedKey(spki)]]);
    const origin = { origin: log.origin, logKey: log.spki, keys };
    // In the transaction: what does not hold is not logged either.
    const { judgement } = verifyAttestation(merged, kind, subject, { originsFor: () => [origin] });
    return { bundle: merged, verdict: judgement.verdict };
  });
}

/** True when `known` holds the same word already: the receipt is another each time. */
export function isKnown(known: readonly string[], bundle: string): boolean {
  const of = (text: string): string => hash('sha256', withoutReceipts(text));
  return known.some((it) => of(it) === of(bundle));
}
