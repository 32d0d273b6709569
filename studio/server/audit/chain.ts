import { hash } from 'node:crypto';

/** A place in the audit's chain: the record numbered `sequence` (0: before the first) and its hash, as hex. */
export interface ChainPoint {
  readonly sequence: number;
  readonly hash: string;
}

/** A record of the audit with its place; `record` is its canonical text. */
export interface ChainedRecord extends ChainPoint {
  readonly record: string;
}

/** SHA-256 over the previous hash as hex, the number and the record's canonical text, each on its own line. */
export function chainHash(previous: string, sequence: number, record: string): string {
  return hash('sha256', `${previous}\n${String(sequence)}\n${record}`);
}
