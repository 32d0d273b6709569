import * as Type from 'typebox';
import type { Static } from 'typebox';

const closed = { additionalProperties: false } as const;
const Count = Type.String({ pattern: '^(0|[1-9][0-9]{0,14})$' });
export const Base64 = Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' });

/**
 * A log's receipt as this hub's logs give it: a DSSE entry with both a promise and a proof. Protobuf's JSON leaves out an
 * index of 0 and an empty list.
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

/** True when the proof speaks of the tree of its checkpoint (C2SP tlog-checkpoint); the stock verifier reads only the latter. */
export function isOneTree({ logIndex, inclusionProof: proof }: LogEntry): boolean {
  const [, size, root] = proof.checkpoint.envelope.split('\n');
  return proof.logIndex === logIndex && proof.treeSize === size && proof.rootHash === root;
}
