import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { DemoResult } from '../../studio/server/demo/decision.ts';
import type { Row } from './main.ts';

const HUB = fileURLToPath(new URL('../../studio/server/cli/hub.mjs', import.meta.url));

/** The main job as `npm run demo` does it, 300 changes: from the number drawn to the button's handler. */
export async function measureClick(): Promise<readonly Row[]> {
  const report = join(tmpdir(), `bench-report-${String(process.pid)}.html`);
  const args = [HUB, 'demo', '--json', '--changes', '300', '--report', report];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result = JSON.parse(stdout) as Pick<
    DemoResult,
    'changeToClick' | 'stages' | 'wrong' | 'missed'
  >;
  const { median = Number.NaN, p95 = Number.NaN } = result.changeToClick ?? {};
  const stages = Object.entries(result.stages).map(([stage, spread]) => ({
    what: `  ${stage}`,
    figure: `${spread?.median.toFixed(1) ?? '–'} / ${spread?.p95.toFixed(1) ?? '–'} ms`,
  }));
  return [
    {
      what: 'change on the screen → click handled, median / p95',
      figure: `${median.toFixed(1)} / ${p95.toFixed(1)} ms`,
      budget: '≤ 25 / ≤ 60 ms',
      isMet: median <= 25 && p95 <= 60,
    },
    ...stages,
  ];
}
