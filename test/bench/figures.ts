/** Median and 95th percentile of some samples; both NaN when there are none. */
export function spread(samples: readonly number[]): { readonly p50: number; readonly p95: number } {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95) };
}

/** Median of what `measure` gives in `rounds` rounds. */
export async function medianOf(
  rounds: number,
  measure: () => Promise<number> | number,
): Promise<number> {
  const figures: number[] = [];
  for (let round = 0; round < rounds; round++) figures.push(await measure());
  return spread(figures).p50;
}

/** Microseconds one of `count` serial calls takes. */
export async function microsecondsEach(
  count: number,
  call: (index: number) => unknown,
): Promise<number> {
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    const result = call(index);
    if (result instanceof Promise) await result;
  }
  return ((performance.now() - start) / count) * 1000;
}

/** Calls per second with `width` in flight. */
export async function callsPerSecond(
  count: number,
  width: number,
  call: () => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: width }, worker));
  return count / ((performance.now() - start) / 1000);
}
