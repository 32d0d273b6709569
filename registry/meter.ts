/** Counts for /metrics (Prometheus text format 0.0.4). */
export interface Meter {
  request(status: number, milliseconds: number): void;
  count(name: 'published' | 'downloads'): void;
  text(gauges: Readonly<Record<string, number>>): string;
}

/** Upper bounds, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5] as const;

interface Counted {
  readonly statuses: ReadonlyMap<number, number>;
  readonly buckets: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly seconds: number;
}

export function createMeter(): Meter {
  const statuses = new Map<number, number>();
  const buckets = BOUNDS.map(() => 0);
  const counts = { published: 0, downloads: 0 };
  let [requests, seconds] = [0, 0];
  return {
    request: (status, milliseconds) => {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      requests += 1;
      seconds += milliseconds / 1000;
      const at = BOUNDS.findIndex((bound) => milliseconds / 1000 <= bound);
      if (at >= 0) buckets[at] = (buckets[at] ?? 0) + 1;
    },
    count: (name) => void (counts[name] += 1),
    text: (gauges) => textOf({ statuses, buckets, counts, requests, seconds }, gauges),
  };
}

function textOf(
  { statuses, buckets, counts, requests, seconds }: Counted,
  gauges: Readonly<Record<string, number>>,
): string {
  const one = (name: string, type: string, value: number): string[] => [
    `# TYPE ${name} ${type}`,
    `${name} ${String(value)}`,
  ];
  let sum = 0;
  const rows = BOUNDS.map((bound, at) => {
    sum += buckets[at] ?? 0;
    return `registry_request_seconds_bucket{le="${String(bound)}"} ${String(sum)}`;
  });
  return [
    '# TYPE registry_requests_total counter',
    ...[...statuses].map(
      ([status, n]) => `registry_requests_total{status="${String(status)}"} ${String(n)}`,
    ),
    '# TYPE registry_request_seconds histogram',
    ...rows,
    `registry_request_seconds_bucket{le="+Inf"} ${String(requests)}`,
    `registry_request_seconds_sum ${String(seconds)}`,
    `registry_request_seconds_count ${String(requests)}`,
    ...Object.entries(counts).flatMap(([name, n]) => one(`registry_${name}_total`, 'counter', n)),
    ...Object.entries(gauges).flatMap(([name, n]) => one(`registry_${name}`, 'gauge', n)),
    '',
  ].join('\n');
}
