import { openStore } from '../../../../studio/server/store/store.ts';
import { useOf } from '../audit/folders.ts';

/** Appends to the audit without end, forgets the oldest when told to, and prints how much is durable; its parent kills it. */
const store = await openStore(String(process.argv[2]));
const prunes = process.argv[3] === 'prune';
for (let at = 1; ; at += 1) {
  store.audit.append(useOf(at));
  if (at % 50 !== 0) continue;
  await store.flush();
  if (prunes) await store.audit.prune(at - 20);
  process.stdout.write(`${String(at)}\n`);
}
