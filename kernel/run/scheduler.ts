/** Shares a limit of steps in flight between runs, one turn each. */
export interface Scheduler {
  /** Starts `work` when it is the run's turn; a slot is held until it settles. */
  add(run: string, work: () => Promise<void>): void;
}

export function createScheduler(limit: number): Scheduler {
  const queues = new Map<string, { readonly work: (() => Promise<void>)[]; next: number }>();
  let busy = 0;
  const pump = (): void => {
    while (busy < limit) {
      const [entry] = queues;
      if (entry === undefined) return;
      const [run, queue] = entry;
      const work = queue.work[queue.next];
      queue.next += 1;
      queues.delete(run);
      if (queue.next < queue.work.length) queues.set(run, queue);
      if (work === undefined) continue;
      busy += 1;
      void work().finally(() => {
        busy -= 1;
        pump();
      });
    }
  };
  return {
    add(run, work) {
      const queue = queues.get(run) ?? { work: [], next: 0 };
      queue.work.push(work);
      queues.set(run, queue);
      pump();
    },
  };
}
