import type { Journal, JournalEntry, RunRecord } from '@runtime-hub/kernel';
import { HubError, type RunId } from '@runtime-hub/plugin-sdk/contract';

interface Kept {
  readonly record: RunRecord;
  readonly entries: JournalEntry[];
  epoch: number;
  open: boolean;
}

/** A journal that lives as long as the test. */
export function journalMemory(): Journal {
  const runs = new Map<RunId, Kept>();
  const owned = (run: RunId, epoch: number): Kept => {
    const kept = runs.get(run);
    if (kept === undefined) throw new HubError('RUN_NOT_FOUND', { run });
    if (kept.epoch !== epoch) throw new HubError('RUN_FENCED', { run, epoch });
    return kept;
  };
  return {
    async create(record) {
      runs.set(record.id, { record, entries: [], epoch: 1, open: true });
      await Promise.resolve();
    },
    async append(run, epoch, entries) {
      await Promise.resolve();
      owned(run, epoch).entries.push(...entries);
    },
    async end(run, epoch) {
      await Promise.resolve();
      owned(run, epoch).open = false;
    },
    async claim(run) {
      await Promise.resolve();
      const kept = runs.get(run);
      if (kept === undefined || !kept.open) return null;
      kept.epoch += 1;
      return { record: kept.record, entries: [...kept.entries], epoch: kept.epoch };
    },
    async open() {
      await Promise.resolve();
      return [...runs].filter(([, kept]) => kept.open).map(([id]) => id);
    },
  };
}
