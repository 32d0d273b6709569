import { chainHash, type ChainedRecord, type ChainPoint } from './chain.ts';
import type { AuditHead } from './head.ts';
import { broken } from './record.ts';

/** What was found to hold. */
export interface AuditVerdict {
  /** Records after this one are there; what was before it was pruned, or not exported. */
  readonly from: ChainPoint;
  readonly to: ChainPoint;
  /** Records that no head vouches for yet: the hub was running, or was killed. */
  readonly unsigned: number;
}

/** A record as the store keeps it: beside its text stands whose it is, for finding it. */
export interface StoredRecord extends ChainedRecord {
  readonly plugin?: string;
}

/**
 * Follows a chain from `from` through its records, and through the points that its heads vouch for.
 * Throws AUDIT_BROKEN with the number of the first record that is not what was written.
 */
export async function verifyChain(
  from: ChainPoint,
  records: Iterable<StoredRecord> | AsyncIterable<StoredRecord>,
  heads: readonly AuditHead[],
): Promise<AuditVerdict> {
  const points = heads.flatMap((head) => [head.from, head.to]);
  const early = points.find((point) => point.sequence < from.sequence);
  if (early !== undefined) throw broken(early.sequence + 1, 'it is gone, and those after it');
  let last = from;
  passes(last, points);
  for await (const it of records) {
    last = follow(last, it);
    passes(last, points);
  }
  const signed = Math.max(from.sequence, ...points.map((point) => point.sequence));
  if (signed > last.sequence)
    throw broken(last.sequence + 1, 'it is gone, and those after it: the end was cut off');
  return { from, to: last, unsigned: last.sequence - signed };
}

/** The point a record makes when it belongs behind `last`. Throws AUDIT_BROKEN. */
function follow(last: ChainPoint, it: StoredRecord): ChainPoint {
  const sequence = last.sequence + 1;
  if (it.sequence !== sequence) {
    throw broken(sequence, `in its place stands the record numbered ${String(it.sequence)}`);
  }
  const hash = chainHash(last.hash, sequence, it.record);
  if (hash !== it.hash) throw broken(sequence, 'it, or what was before it, was changed');
  if (it.plugin !== undefined && it.plugin !== pluginOf(it.record))
    throw broken(sequence, 'it was filed under another plugin');
  return { sequence, hash };
}

function passes(at: ChainPoint, points: readonly ChainPoint[]): void {
  const wrong = points.some((it) => it.sequence === at.sequence && it.hash !== at.hash);
  if (wrong) throw broken(at.sequence, 'it, or what was before it, is not what the hub signed');
}

function pluginOf(record: string): unknown {
  try {
    const parsed: unknown = JSON.parse(record);
    return typeof parsed === 'object' && parsed !== null && 'plugin' in parsed
      ? parsed.plugin
      : null;
  } catch {
    return null;
  }
}
