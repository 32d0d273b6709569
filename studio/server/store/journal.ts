import type { Journal } from '@runtime-hub/kernel';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { RunReader } from './run-reader.ts';
import type { Writer } from './writer.ts';

/** The journal of runs on SQLite. See the port `Journal` for what it promises. */
export function createJournal(writer: Writer, runs: RunReader): Journal {
  return {
    async create(record) {
      const { id, workflow, createdAt } = record;
      const text = JSON.stringify(record);
      await writer.write(['create', id, workflow.name, createdAt, text]);
    },
    async append(run, epoch, entries) {
      const seq = entries[0]?.seq;
      if (seq === undefined) return;
      if (entries.at(-1)?.seq !== seq + entries.length - 1) {
        throw new HubError('RUN_CONFLICT', { run, detail: 'entries are not numbered in a row' });
      }
      const text = JSON.stringify(entries);
      await writer.write(['append', run, epoch, seq, entries.length, text]);
    },
    async end(run, epoch, status, at) {
      await writer.write(['end', run, epoch, status, at]);
    },
    async claim(run) {
      const epoch = await writer.write(['claim', run]);
      const stored = epoch === 0 ? null : runs.get(run);
      return stored === null ? null : { record: stored.record, entries: stored.entries, epoch };
    },
    async open() {
      await writer.flush();
      return runs.open();
    },
  };
}
