import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { Witness } from '@sigstore/sign';
import { inclusionPath, leafHash, rootHash } from './merkle.ts';

/** Leaf hashes of a log, kept by its owner; only ever appended to. */
export interface LogStore {
  leaves(): readonly Buffer[];
  append(leaf: Buffer): void;
}

export interface LocalLog {
  /** Host-like name; part of every checkpoint. */
  readonly origin: string;
  /** Ed25519. */
  readonly privateKey: KeyObject;
  readonly store: LogStore;
}

type Testimony = Awaited<ReturnType<Witness['testify']>>;

/** The log as a Sigstore witness: appends each signed envelope and vouches for it with a promise, a proof and a checkpoint. */
export function witnessOf(log: LocalLog): Witness {
  return {
    async testify(content, publicKey): Promise<Testimony> {
      if (content.$case !== 'dsseEnvelope') throw new Error('The log takes DSSE envelopes only.');
      const { payload, signatures } = content.dsseEnvelope;
      const body = Buffer.from(bodyOf(payload, signatures[0]?.sig ?? Buffer.alloc(0), publicKey));
      log.store.append(leafHash(body));
      return await Promise.resolve({ tlogEntries: [entryFor(log, body)] });
    },
  };
}

/** Identity of a log key (C2SP signed-note): SHA-256 over origin, newline, 0x01 and the raw Ed25519 key. */
export function logId(origin: string, publicKey: KeyObject): Buffer {
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return createHash('sha256')
    .update(`${origin}\n`)
    .update(Buffer.from([1]))
    .update(raw)
    .digest();
}

function entryFor(log: LocalLog, body: Buffer): NonNullable<Testimony['tlogEntries']>[number] {
  const leaves = log.store.leaves();
  const index = leaves.length - 1;
  const id = logId(log.origin, createPublicKey(log.privateKey));
  const integratedTime = Math.floor(Date.now() / 1000);
  const promise = canonical({
    body: body.toString('base64'),
    integratedTime,
    logID: id.toString('hex'),
    logIndex: index,
  });
  const root = rootHash(leaves);
  return {
    logIndex: String(index),
    logId: { keyId: id },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: sign(null, Buffer.from(promise), log.privateKey) },
    inclusionProof: {
      logIndex: String(index),
      rootHash: root,
      treeSize: String(leaves.length),
      hashes: inclusionPath(index, leaves),
      checkpoint: { envelope: checkpointOf(log, leaves.length, root, id) },
    },
    canonicalizedBody: body,
  };
}

/** C2SP tlog-checkpoint in a signed note. */
function checkpointOf(log: LocalLog, size: number, root: Buffer, id: Buffer): string {
  const note = `${log.origin}\n${String(size)}\n${root.toString('base64')}\n`;
  const signature = Buffer.concat([
    id.subarray(0, 4),
    sign(null, Buffer.from(note), log.privateKey),
  ]);
  return `${note}\n— ${log.origin} ${signature.toString('base64')}\n`;
}

function bodyOf(payload: Buffer, signature: Buffer, publicKeyPem: string): string {
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  return canonical({
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: { algorithm: 'sha256', value: sha256(Buffer.concat([payload, signature])) },
      payloadHash: { algorithm: 'sha256', value: sha256(payload) },
      signatures: [
        {
          signature: signature.toString('base64'),
          verifier: Buffer.from(publicKeyPem).toString('base64'),
        },
      ],
    },
  });
}

/** JSON with sorted keys and no spaces (RFC 8785 for the plain values used here). */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
