import { basename } from 'node:path';
import type { Static } from 'typebox';
import type { ListOperations } from '@runtime-hub/plugin-sdk/contract';
import { programOf, readTable, startedAt, type ProcessEntry } from './process-table.ts';

type ListResult = Static<typeof ListOperations.list.result>;
type Listed = ListResult['processes'][number];

/** So that a list fits a frame; what started last is kept. */
const MAX_JSON_BYTES = 900_000;

/** What runs, oldest first, without arguments and environment; with `name` what is named so, or runs a file of that name. */
export async function listPrograms(
  name: string | undefined,
  redact: (text: string) => string,
): Promise<ListResult> {
  const table = await readTable();
  const all = await Promise.all(
    table.map(async (it) => describe(it, await programOf(it.pid), redact)),
  );
  const found = all.filter(
    (it) => name === undefined || it.name === name || basename(it.program ?? '') === name,
  );
  return {
    processes: latest(found.toSorted((a, b) => a.startedAt - b.startedAt || a.pid - b.pid)),
  };
}

/** A process names itself, so a name is redacted and loses what could drive a terminal. */
function describe(
  entry: ProcessEntry,
  program: string | null,
  redact: (text: string) => string,
): Listed {
  const { pid, parent } = entry;
  const name = redact(entry.name.replaceAll(/\p{Cc}/gu, '\u{FFFD}'));
  return {
    pid,
    parent,
    name,
    program: program === null ? null : redact(program),
    startedAt: startedAt(entry),
  };
}

function latest(found: readonly Listed[]): Listed[] {
  let left = MAX_JSON_BYTES;
  const from = found.findLastIndex((it) => (left -= Buffer.byteLength(JSON.stringify(it)) + 1) < 0);
  return found.slice(from + 1);
}
