import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { PluginId, WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { openHub, type Hub } from '../../studio/server/hub.ts';
import { jails } from '../adversarial/arena/jails.ts';
import { installCopies } from '../support/copies.ts';
import { temporaryFolder } from '../support/hub.ts';
import { applyPolicy } from '../support/trust.ts';
import { spread } from './figures.ts';
import { attack, installHostile, WAYS } from './hostile.ts';

const PLUGINS = 20;
const LOOK_MS = 5000;
const PAUSE_MS = 50;
/** A little more than blobs are kept after their run. */
const BLOBS_MS = 75_000;
const FLAT = 0.1;
const MB = 1024 * 1024;
const HELP = `npm run bench -- soak [--minutes 10]

Twenty hostile plugins and twenty honest ones at once. Ends with 0 when no honest step was lost, the hub's memory stayed
within a tenth, and nothing was left behind: no process, no descriptor, no blob.`;

interface Honest {
  started: number;
  succeeded: number;
}

interface Look {
  readonly rss: number;
  readonly descriptors: number;
  readonly blobs: number;
}

/** Lets hostile and honest plugins live side by side and prints what became of the hub. */
export async function soak(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const minutes = Number(values.minutes);
  using folder = temporaryFolder('soak');
  applyPolicy(folder.path, ['bench/*']);
  const honest: Honest = { started: 0, succeeded: 0 };
  const looks: Look[] = [];
  const before = jails().length;
  const left = { blobs: 0 };
  {
    await using hub = await openHub({ folder: folder.path });
    const calm = await installCopies(hub, 'bench/calm', PLUGINS);
    await liveTogether(hub, calm, { minutes, honest, looks });
    console.log('waiting for the blobs of ended runs to go …');
    for (let waited = 0; hub.blobs.sizeBytes > 0 && waited < BLOBS_MS; waited += LOOK_MS)
      await pause(LOOK_MS);
    left.blobs = hub.blobs.sizeBytes;
  }
  report(honest, looks, { ...left, jails: jails().length - before });
}

async function liveTogether(
  hub: Hub,
  calm: readonly PluginId[],
  { minutes, honest, looks }: { minutes: number; honest: Honest; looks: Look[] },
): Promise<void> {
  const ways = Object.keys(WAYS);
  await using attacks = new AsyncDisposableStack();
  for (let number = 0; number < PLUGINS; number += 1) {
    const way = ways[number % ways.length] ?? '';
    const id = `bench/${way.replaceAll(' ', '-')}-${String(number)}`;
    attacks.use(attack(hub, await installHostile(hub, id, way)));
  }
  const end = performance.now() + minutes * 60_000;
  const works = calm.map(async (plugin) => {
    while (performance.now() < end) await work(hub, plugin, honest);
  });
  while (performance.now() < end) {
    await pause(LOOK_MS);
    const look = {
      rss: process.memoryUsage().rss,
      descriptors: openFiles(),
      blobs: hub.blobs.sizeBytes,
    };
    looks.push(look);
    const { started, succeeded } = honest;
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    const text = `${String(started)} honest runs, ${String(started - succeeded)} open or lost`;
    const of = `hub ${(look.rss / MB).toFixed(0)} MB, ${String(look.descriptors)} descriptors, blobs ${(look.blobs / MB).toFixed(0)} MB`;
    console.log(`${String(left).padStart(4)} s left · ${text} · ${of}`);
  }
  await Promise.all(works);
}

async function work(hub: Hub, plugin: PluginId, honest: Honest): Promise<void> {
  honest.started += 1;
  const { finished } = await hub.engine.start(workflowOf(plugin));
  const { status, error } = await finished;
  if (status === 'succeeded') honest.succeeded += 1;
  else console.log(`${plugin}: ${status} ${String(error?.code)} ${String(error?.message)}`);
  await pause(PAUSE_MS);
}

const workflows = new Map<PluginId, WorkflowDocument>();

function workflowOf(plugin: PluginId): WorkflowDocument {
  const known = workflows.get(plugin);
  if (known !== undefined) return known;
  const node = { type: `${plugin}:echo` };
  const workflow: WorkflowDocument = {
    format: 'runtime-hub/workflow@1',
    name: plugin,
    nodes: { a: { ...node, inputs: { value: 1 } }, b: node, c: node },
    edges: [
      ['a.value', 'b.value'],
      ['b.value', 'c.value'],
    ],
  };
  workflows.set(plugin, workflow);
  return workflow;
}

function report(
  honest: Honest,
  looks: readonly Look[],
  left: { readonly blobs: number; readonly jails: number },
): void {
  const third = Math.max(1, Math.floor(looks.length / 3));
  const middle = (part: readonly Look[], of: keyof Look): number =>
    spread(part.map((look) => look[of])).p50;
  const change = (of: keyof Look): number =>
    middle(looks.slice(-third), of) / middle(looks.slice(third, 2 * third), of) - 1;
  const lost = honest.started - honest.succeeded;
  const facts = [
    [`honest runs ${String(honest.started)}, lost ${String(lost)}`, lost === 0],
    [
      `hub memory, last third against the middle one: ${percent(change('rss'))}`,
      Math.abs(change('rss')) <= FLAT,
    ],
    [
      `open descriptors, likewise: ${percent(change('descriptors'))}`,
      change('descriptors') <= FLAT,
    ],
    [`bytes left in the blob store: ${String(left.blobs)}`, left.blobs === 0],
    [`jails left after the hub has closed: ${String(left.jails)}`, left.jails === 0],
  ] as const;
  for (const [text, isMet] of facts) console.log(`${isMet ? '✓' : '✗'} ${text}`);
  if (facts.some(([, isMet]) => !isMet)) process.exitCode = 1;
}

const percent = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)} %`;
const openFiles = (): number => readdirSync('/proc/self/fd').length;
const pause = async (ms: number): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
};
