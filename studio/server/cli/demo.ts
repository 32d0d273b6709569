import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { findRelease } from '../built-in.ts';
import { askYesNo } from '../demo/consent.ts';
import type { DemoResult } from '../demo/decision.ts';
import { lineOf, summaryLines, type DemoEvent } from '../demo/lines.ts';
import { createLiveHub } from '../demo/live-hub.ts';
import { writeReport } from '../demo/report.ts';
import { playScenario } from '../demo/scenario.ts';
import { openStage, type Stage } from '../demo/stage.ts';
import { demoWorkflow } from '../demo/workflow.ts';
import { openHub, type Hub } from '../hub.ts';
import { usage, type Command } from './output.ts';
import { permissionLines } from './permissions.ts';

const HELP = `hub demo [--changes 30] [--scale 1|2] [--moving] [--seed 42] [--on-my-screen] [--yes] [--report demo-report.html] [--json]

Opens a window with a changing number and runs: screen changed → capture → read the number → above 42? → click.
By default on a virtual screen of its own; --on-my-screen uses your display after asking (--yes answers).
--moving moves the window between readings. Uses a hub with a temporary data folder.
Exit code 0 only when nothing was decided wrong and nothing was missed.`;

const PLUGINS = ['core/flow', 'core/screen', 'core/ocr', 'core/mouse'] as const;

export const demoCommand: Command = {
  name: 'demo',
  summary: 'see the main job: read a number from the screen and click when it is above 42',
  help: HELP,
  async run(args) {
    const options = parse(args);
    if (options.onMyScreen && !options.yes) {
      const isAllowed = await askYesNo(
        'The demo will open a window, read a part of your screen and move your mouse. Go on?',
      );
      if (!isAllowed)
        throw usage('--on-my-screen', 'no', 'Nothing was done. Answer y, or add --yes.');
    }
    const say = options.json ? (): void => undefined : (line: string): void => console.log(line);
    const result = await playDemo(options, say);
    await writeReport(options.report, result);
    if (options.json) console.log(JSON.stringify(summaryOf(result, options.report)));
    for (const line of summaryLines(result)) say(line);
    say(`\nEvery decision with the picture it was made on: ${options.report}`);
    return result.wrong + result.missed === 0 && result.done === result.expectedClicks ? 0 : 1;
  },
};

interface DemoOptions {
  readonly changes: number;
  readonly scale: 1 | 2;
  readonly seed: number;
  readonly moving: boolean;
  readonly onMyScreen: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly report: string;
}

function parse(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: args.filter((it) => it !== '--'),
    options: {
      changes: { type: 'string', default: '30' },
      scale: { type: 'string', default: '1' },
      seed: { type: 'string', default: '42' },
      moving: { type: 'boolean', default: false },
      'on-my-screen': { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      report: { type: 'string', default: 'demo-report.html' },
    },
  });
  const changes = Number(values.changes);
  if (!Number.isInteger(changes) || changes < 1 || changes > 1000) {
    throw usage('--changes', values.changes, 'Give a whole number from 1 to 1000.');
  }
  if (values.scale !== '1' && values.scale !== '2')
    throw usage('--scale', values.scale, 'Give 1 or 2.');
  return {
    changes,
    scale: values.scale === '1' ? 1 : 2,
    seed: Number(values.seed),
    moving: values.moving,
    onMyScreen: values['on-my-screen'],
    yes: values.yes,
    json: values.json,
    report: resolve(values.report),
  };
}

async function playDemo(options: DemoOptions, say: (line: string) => void): Promise<DemoResult> {
  const folder = mkdtempSync(join(tmpdir(), 'runtime-hub-demo-'));
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  say('Opening the window …');
  const stage: Stage = opened.use(
    await openStage({ scale: options.scale, onMyScreen: options.onMyScreen }),
  );
  const hub: Hub = opened.use(await openHub({ folder, display: stage.display }));
  await installAll(hub, say);
  const onEvent = (event: DemoEvent): void => {
    const line = lineOf(event);
    if (line !== null) say(line);
  };
  const live = createLiveHub(hub, onEvent);
  await Promise.all(PLUGINS.map(async (id) => await hub.pool.warm(pluginId(id))));
  const activation = hub.engine.activate(demoWorkflow(stage.boxes));
  opened.defer(async () => await activation.stop());
  const { changes, seed, moving } = options;
  return await playScenario({ stage, hub: live, changes, seed, moving, onEvent });
}

async function installAll(hub: Hub, say: (line: string) => void): Promise<void> {
  for (const source of PLUGINS) {
    const { manifest, publisher } = await hub.plugins.install(
      await findRelease(hub.folder, source),
    );
    say(
      `Installed ${manifest.id} ${manifest.version} (runs as ${manifest.runtime}, signed by ${publisher}).`,
    );
    for (const line of permissionLines(manifest.permissions)) say(line);
    hub.broker.request(pluginId(source));
    hub.broker.approve({ plugin: pluginId(source), by: 'the demo' });
    if (manifest.permissions.length > 0) say('  approved for this demo');
  }
}

function summaryOf(result: DemoResult, report: string): Record<string, unknown> {
  const { changes, expectedClicks, done, wrong, missed, changeToClick, stages, scale, seed } =
    result;
  return {
    changes,
    expectedClicks,
    done,
    wrong,
    missed,
    changeToClick,
    stages,
    scale,
    seed,
    report,
  };
}
