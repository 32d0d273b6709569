import type { Store } from './store/index.ts';

/** Counts downloads in memory and writes them down from time to time: a count is no fact worth a write each. */
export interface Downloads {
  add(plugin: string): void;
  /** Writes down what was counted. */
  flush(): void;
  /** Tells for which plugins something was written down. */
  onFlush(listener: (plugins: readonly string[]) => void): void;
}

export function createDownloads(store: Store): Downloads {
  let counted = new Map<string, number>();
  const listeners: ((plugins: readonly string[]) => void)[] = [];
  return {
    add: (plugin) => void counted.set(plugin, (counted.get(plugin) ?? 0) + 1),
    flush: () => {
      const counts = counted;
      if (counts.size === 0) return;
      counted = new Map();
      store.transaction(() => store.listed.addDownloads(counts));
      for (const listener of listeners) listener([...counts.keys()]);
    },
    onFlush: (listener) => void listeners.push(listener),
  };
}
