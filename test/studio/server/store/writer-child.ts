import { runId } from '@runtime-hub/plugin-sdk/contract';
import { openStore } from '../../../../studio/server/store/store.ts';
import { entryOf, recordOf } from './records.ts';

/** Appends without end and prints each number once it is acknowledged; its parent kills it. */
const store = await openStore(String(process.argv[2]));
const run = runId('run-0001');
await store.journal.create(recordOf(run));
for (let seq = 1; ; seq += 4) {
  const numbers = [seq, seq + 1, seq + 2, seq + 3];
  await Promise.all(
    numbers.map(async (it) => {
      await store.journal.append(run, 1, [entryOf(it)]);
      process.stdout.write(`${String(it)}\n`);
    }),
  );
}
