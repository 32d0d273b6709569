import type { ChainedRecord, ChainPoint } from './chain.ts';
import { hasKeys, isPoint, parseHead, type AuditHead } from './head.ts';
import { broken } from './record.ts';
import { verifyChain, type AuditVerdict } from './verify.ts';

const FORMAT = 'runtime-hub/audit@1';
const MAX_LINE_BYTES = 1_048_576;
const NEWLINE = 10;

/** Lines of an exported audit: where it begins, each record with its number and hash, and the head that vouches for them. */
export function* exportLines(
  head: AuditHead,
  records: Iterable<ChainedRecord>,
): Generator<string, void> {
  const { from } = head;
  yield JSON.stringify({ format: FORMAT, from });
  for (const it of records) yield lineOf(it);
  yield JSON.stringify({ head });
}

/**
 * Verifies an exported audit with nothing but itself and the key it should be signed with (null: any key).
 * Throws AUDIT_BROKEN, also for anything in it that an export does not have.
 */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array>,
  key: string | null,
): Promise<AuditVerdict & { readonly head: AuditHead }> {
  const reading: Reading = { sequence: 0, head: null };
  const lines = linesOf(chunks, reading);
  const start = await lines.next();
  const from = start.done === true ? null : startOf(start.value);
  if (from === null) throw broken(0, 'it does not begin as an export');
  reading.sequence = from.sequence;
  const verdict = await verifyChain(from, recordsOf(lines, reading, key), []);
  const { head } = reading;
  if (head === null) throw broken(verdict.to.sequence + 1, 'the end is missing');
  const ends = [
    [head.from, from],
    [head.to, verdict.to],
  ] as const;
  for (const [said, found] of ends) {
    if (said.sequence === found.sequence && said.hash === found.hash) continue;
    const first = Math.min(said.sequence, found.sequence) + 1;
    throw broken(first, 'it is not what the hub signed: records are missing or were put there');
  }
  return { ...verdict, unsigned: 0, head };
}

/** The text is put in as it is: what was hashed is what is read. */
const lineOf = ({ sequence, record, hash }: ChainedRecord): string =>
  `{"sequence":${String(sequence)},"record":${record},"hash":"${hash}"}`;

function startOf(line: string): ChainPoint | null {
  const value = parse(line);
  if (!hasKeys(value, ['format', 'from']) || value.format !== FORMAT) return null;
  return isPoint(value.from) ? value.from : null;
}

/** How far an export was read. */
interface Reading {
  sequence: number;
  head: AuditHead | null;
}

async function* recordsOf(
  lines: AsyncIterable<string>,
  reading: Reading,
  key: string | null,
): AsyncGenerator<ChainedRecord> {
  for await (const line of lines) {
    const next = reading.sequence + 1;
    if (reading.head !== null) throw broken(next, 'something stands after the end');
    const value = parse(line);
    if (hasKeys(value, ['head'])) {
      reading.head = parseHead(value.head, key);
      continue;
    }
    const record = recordOf(value);
    if (record === null) throw broken(next, 'its line is not one of an export');
    reading.sequence = next;
    yield record;
  }
}

function recordOf(value: unknown): ChainedRecord | null {
  if (!hasKeys(value, ['sequence', 'record', 'hash'])) return null;
  const { record, ...point } = { ...value };
  return isPoint(point) ? { ...point, record: JSON.stringify(record) } : null;
}

/** A line's value, when the line is the one text of it: no other spaces, order or escapes. */
function parse(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return JSON.stringify(value) === line ? value : null;
  } catch {
    return null;
  }
}

/** Lines, each ended by a newline; strict UTF-8. `at` is the last record whose line was taken. */
async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  at: { readonly sequence: number },
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      const line = rest.subarray(0, end);
      rest = rest.subarray(end + 1);
      yield decode(line);
    }
    if (rest.length > MAX_LINE_BYTES) throw broken(at.sequence + 1, 'a line has no end');
  }
  if (rest.length > 0) throw broken(at.sequence + 1, 'the end is missing');

  function decode(line: Buffer): string {
    try {
      return decoder.decode(line);
    } catch (cause) {
      throw broken(at.sequence + 1, 'its line is not UTF-8', { cause });
    }
  }
}
