import { createPublicKey, sign } from 'node:crypto';
import * as Type from 'typebox';
import type { Static } from 'typebox';
import { canonicalJson } from './canonical.ts';
import { logId, type LogSigner } from './note.ts';

const closed = { additionalProperties: false } as const;
const Count = Type.String({ pattern: '^(0|[1-9][0-9]{0,14})$' });
const Base64 = Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' });

/**
 * A log's receipt as this hub's logs give it (JSON of a Sigstore TransparencyLogEntry): a DSSE entry with both a promise
 * and a proof. Protobuf's JSON leaves out an index of 0 and an empty list.
 */
export const LogEntry = Type.Object(
  {
    logIndex: Type.Optional(Count),
    logId: Type.Object({ keyId: Base64 }, closed),
    kindVersion: Type.Object(
      { kind: Type.Literal('dsse'), version: Type.Literal('0.0.1') },
      closed,
    ),
    integratedTime: Count,
    inclusionPromise: Type.Object({ signedEntryTimestamp: Base64 }, closed),
    inclusionProof: Type.Object(
      {
        logIndex: Type.Optional(Count),
        rootHash: Base64,
        treeSize: Count,
        hashes: Type.Optional(Type.Array(Base64, { maxItems: 64 })),
        checkpoint: Type.Object({ envelope: Type.String({ maxLength: 4096 }) }, closed),
      },
      closed,
    ),
    canonicalizedBody: Base64,
  },
  closed,
);
export type LogEntry = Static<typeof LogEntry>;

/** A leaf in a tree, and the tree's checkpoint. */
export interface LoggedLeaf {
  readonly leaf: Uint8Array;
  readonly index: number;
  /** Milliseconds since 1970, by the log's clock; a receipt tells whole seconds. */
  readonly at: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
  /** Signed note. */
  readonly checkpoint: string;
}

/** The log's receipt for a signed envelope, in the form that the stock Sigstore verifier reads. */
export function entryFor(logged: LoggedLeaf, log: LogSigner): LogEntry {
  const id = logId({ origin: log.origin, publicKey: createPublicKey(log.privateKey) });
  const body = base64(logged.leaf);
  const integratedTime = Math.floor(logged.at / 1000);
  const promise = canonicalJson({
    body,
    integratedTime,
    logID: id.toString('hex'),
    logIndex: logged.index,
  });
  const logIndex = String(logged.index);
  return {
    logIndex,
    logId: { keyId: base64(id) },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(integratedTime),
    inclusionPromise: {
      signedEntryTimestamp: base64(sign(null, Buffer.from(promise), log.privateKey)),
    },
    inclusionProof: {
      logIndex,
      rootHash: base64(logged.root),
      treeSize: String(logged.size),
      hashes: logged.proof.map(base64),
      checkpoint: { envelope: logged.checkpoint },
    },
    canonicalizedBody: body,
  };
}

/** True when the proof speaks of the tree of its checkpoint (C2SP tlog-checkpoint); the stock verifier reads only the latter. */
export function isOneTree({ logIndex, inclusionProof: proof }: LogEntry): boolean {
  const [, size, root] = proof.checkpoint.envelope.split('\n');
  return proof.logIndex === logIndex && proof.treeSize === size && proof.rootHash === root;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
