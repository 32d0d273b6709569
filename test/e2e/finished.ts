import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { expect } from 'vitest';
import type { Store } from '../../studio/server/store/store.ts';

/** How often each node was journaled as finished; also checks that no entry is missing. */
export function finishedOf(
  store: Store,
  id: Parameters<Store['runs']['get']>[0],
): [string, number][] {
  const entries = store.runs.get(id)?.entries ?? [];
  expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => index + 1));
  const counts = new Map<string, number>();
  for (const { input } of entries) {
    for (const node of finishedIn(input)) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => Number(a.slice(1)) - Number(b.slice(1)));
}

function finishedIn(input: Json): string[] {
  // SAFETY: journal entries are the machine's inputs.
  const { type, reports = [] } = input as {
    type: string;
    reports?: { node: string; ok: boolean }[];
  };
  return type === 'steps.finished' ? reports.filter((it) => it.ok).map((it) => it.node) : [];
}
