import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import {
  packArtifact,
  readArtifact,
  signRelease,
  unboundedKey,
  verifyRelease,
  type LocalLog,
  type PublisherKey,
  type ReleaseTrust,
} from '@runtime-hub/plugin-sdk/artifact';
import type { Manifest } from '@runtime-hub/plugin-sdk/contract';
import { envelopeLeaf } from '../../../plugin-sdk/artifact/log/leaf.ts';
import { record } from '../../../plugin-sdk/artifact/log/local-log.ts';
import { PAYLOAD_TYPE, statementFor } from '../../../plugin-sdk/artifact/statement.ts';
import { refusalOf } from './tar-parts.ts';

export const manifestFor = (
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> => ({
  manifestVersion: 1,
  id: 'acme/ocr',
  version: '1.0.0',
  title: 'OCR',
  description: '',
  license: 'MIT',
  engine: '^1.0.0',
  runtime: 'isolate',
  entry: 'plugin.js',
  permissions: [],
  provides: [],
  nodes: [],
  ...more,
});

export const nodeFor = (more: Readonly<Record<string, unknown>> = {}): Manifest['nodes'][number] =>
  // SAFETY: the defaults fit, and tests that break one mean to.
  ({
    type: 'read',
    title: 'Read',
    description: '',
    kind: 'action',
    effect: 'pure',
    join: 'all',
    config: { type: 'object' },
    inputs: {},
    outputs: {},
    optionalInputs: [],
    timeoutMs: 1000,
    uses: [],
    ...more,
  }) as Manifest['nodes'][number];

/** An artifact with this manifest and some code. */
export function artifactWith(manifest: unknown, code = 'export default {};\n'): Uint8Array {
  return packArtifact(
    new Map([
      ['manifest.json', Buffer.from(JSON.stringify(manifest))],
      ['plugin.js', Buffer.from(code)],
    ]),
  );
}

export const artifactFor = (more: Readonly<Record<string, unknown>> = {}): Uint8Array =>
  artifactWith(manifestFor(more));

export function keyOf(alg: 'ed25519' | 'p256'): KeyObject {
  if (alg === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

export const publisher = (
  hint = 'acme-2026',
  alg: 'ed25519' | 'p256' = 'ed25519',
): PublisherKey => ({
  hint,
  privateKey: keyOf(alg),
});

/** A log in memory. */
export function logAt(origin = 'log.acme.example', privateKey = keyOf('ed25519')): LocalLog {
  const leaves: Buffer[] = [];
  return {
    origin,
    privateKey,
    store: { leaves: () => leaves, append: (leaf) => leaves.push(leaf) },
  };
}

export function spkiOf(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
}

/** Believes one publisher and one log. */
export function trustIn(key: PublisherKey, log: LocalLog): ReleaseTrust {
  return trustOf(key.hint, spkiOf(key.privateKey), log);
}

/** Believes whatever key is given, under one hint, and one log by its key or by another. */
export function trustOf(
  hint: string,
  spki: string,
  log: LocalLog,
  logKey = spkiOf(log.privateKey),
): ReleaseTrust {
  const keys = new Map([[hint, unboundedKey(spki)]]);
  const origin = { origin: log.origin, logKey, keys };
  return { originsFor: () => [origin] };
}

/** A bundle as plain data, to be changed by a test. */
export interface Bundle {
  mediaType?: unknown;
  verificationMaterial: {
    publicKey?: { hint?: unknown };
    tlogEntries: Entry[];
    [more: string]: unknown;
  };
  dsseEnvelope: {
    payload: string;
    payloadType?: unknown;
    signatures: { sig: string; keyid?: string }[];
  };
  [more: string]: unknown;
}
export interface Entry {
  logIndex: unknown;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime: unknown;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof: {
    logIndex: unknown;
    rootHash: string;
    treeSize: string;
    hashes: string[];
    checkpoint: { envelope: string };
  };
  canonicalizedBody: string;
}

/** What the verifier says. */
export function verdictOf(artifact: Uint8Array, bundle: string, trust: ReleaseTrust): string {
  return refusalOf(() => verifyRelease(artifact, bundle, trust));
}

/** The true statement about an artifact, also when its manifest is one that `signRelease` would refuse. */
export function statementOf(artifact: Uint8Array, manifest: Record<string, unknown>): string {
  // SAFETY: only id and version are read from it.
  return JSON.stringify(
    statementFor(artifact, readArtifact(artifact), manifest as unknown as Manifest),
  );
}

/** Signs and logs any payload, true or not, with any key Node can sign with (DSSE v1, Sigstore bundle v0.3). */
export function signPayload(
  text: string | Buffer,
  { hint, privateKey }: PublisherKey,
  log: LocalLog,
): string {
  const payload = Buffer.from(text);
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${String(PAYLOAD_TYPE.length)} ${PAYLOAD_TYPE} ${String(payload.length)} `),
    payload,
  ]);
  const isEdwards = privateKey.asymmetricKeyType?.startsWith('ed') === true;
  const sig = sign(isEdwards ? null : 'sha256', signed, privateKey);
  const verifier = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  const receipt = record(envelopeLeaf({ payload, signature: sig, verifier }), log);
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint }, tlogEntries: [receipt] },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: sig.toString('base64'), keyid: hint }],
    },
  });
}

export { signRelease };
