import { pluginId, type MeterReading } from '@runtime-hub/plugin-sdk/contract';
import { expect, test, vi } from 'vitest';
import { pluginsCommand } from '../../../../studio/server/cli/plugins.ts';
import { useTable } from '../../../../studio/server/cli/plugin-use.ts';
import { openFlowHub } from '../../../support/hub.ts';
import { dataFolder, openedStore } from '../audit/folders.ts';

const flow = pluginId('core/flow');
const DAY_MS = 86_400_000;
const dayBefore = (days: number): string =>
  new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

const reading = (fields: Partial<MeterReading>): MeterReading => ({
  ...{ plugin: flow, version: '0.0.1', day: dayBefore(0), steps: 0, calls: 0, denied: 0 },
  ...{ rateExceeded: 0, crashes: 0, cpuMs: 0, peakRssBytes: 0, logBytes: 0, blobBytes: 0 },
  ...fields,
});

/** What `hub plugins list` prints on a data folder. */
async function listed(folder: string, ...options: readonly string[]): Promise<string> {
  const printed = vi.spyOn(console, 'log').mockReturnValue();
  try {
    expect(await pluginsCommand.run(['list', '--data', folder, ...options])).toBe(0);
    return printed.mock.calls.map(([text]) => String(text)).join('\n');
  } finally {
    printed.mockRestore();
  }
}

test('a day’s figures stand beside those of thirty days, each version by itself; older ones are not counted', async () => {
  using folder = dataFolder();
  {
    await using store = await openedStore(folder.path);
    const { meter } = store;
    meter.put(reading({ calls: 3, denied: 1, cpuMs: 1500, peakRssBytes: 48e6 }));
    meter.put(
      reading({ day: dayBefore(29), calls: 7, crashes: 2, cpuMs: 500, peakRssBytes: 60e6 }),
    );
    meter.put(reading({ day: dayBefore(31), calls: 1000, crashes: 1000, peakRssBytes: 900e6 }));
    meter.put(reading({ version: '0.0.2', day: dayBefore(1), calls: 5 }));
  }
  await using hub = await openFlowHub(folder.path);
  await hub[Symbol.asyncDispose]();
  const lines = (await listed(folder.path)).split('\n');
  const used = lines.slice(lines.indexOf('Used today (UTC) / in the last 30 days:') + 1);
  const cells = used.map((line) => line.split(/ {2,}/u));
  expect(cells).toEqual([
    ['ID', 'VERSION', 'CPU', 'PEAK MEMORY', 'CALLS', 'DENIED', 'CRASHES'],
    ['core/flow', '0.0.1', '1.5 s / 2.0 s', '48 MB / 60 MB', '3 / 10', '1 / 1', '0 / 2'],
    ['core/flow', '0.0.2', '0 ms / 0 ms', '0 MB / 0 MB', '0 / 5', '0 / 0', '0 / 0'],
  ]);
  // SAFETY: the command printed what the hub's API answers.
  const { used: told } = JSON.parse(await listed(folder.path, '--json')) as {
    used: Record<'today' | 'last30Days', readonly MeterReading[]>;
  };
  expect(told.today).toMatchObject([{ version: '0.0.1', calls: 3, denied: 1, cpuMs: 1500 }]);
  expect(told.last30Days).toMatchObject([
    { version: '0.0.1', calls: 10, crashes: 2, cpuMs: 2000, peakRssBytes: 60e6 },
    { version: '0.0.2', calls: 5 },
  ]);
});

test('processor time is told in the unit that fits, and nothing is told of plugins that used nothing', () => {
  expect(useTable({ today: [], last30Days: [] })).toBe('');
  const shown = [999, 99_999, 5_999_999, 360_000_000].map((cpuMs) => {
    const text = useTable({ today: [], last30Days: [reading({ cpuMs })] });
    return /0 ms \/ (.+?) {2}/u.exec(text)?.[1];
  });
  expect(shown).toEqual(['999 ms', '100.0 s', '100.0 min', '100.0 h']);
});
