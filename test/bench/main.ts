import { cpus } from 'node:os';
import { applyPolicy } from '../support/trust.ts';
import { temporaryFolder } from '../support/hub.ts';
import { openHub, type Hub } from '../../studio/server/hub.ts';
import { measureChains } from './chains.ts';
import { measureClick } from './click.ts';
import { measureCalls } from './calls.ts';
import { WAYS } from './hostile.ts';
import { measureNeighbours } from './neighbours.ts';
import { measurePlugins } from './plugins.ts';
import { measureRegistry } from './registry.ts';
import { soak } from './soak.ts';
import { measureStart } from './start.ts';

export interface Row {
  readonly what: string;
  readonly figure: string;
  /** The budget, when the product has one. */
  readonly budget?: string;
  readonly isMet?: boolean;
}

/** Parts that start a hub of their own. */
const ALONE: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  start: measureStart,
  click: measureClick,
  registry: measureRegistry,
};
const IN_HUB: Readonly<Record<string, (hub: Hub) => Promise<readonly Row[]>>> = {
  calls: measureCalls,
  chains: measureChains,
  plugins: measurePlugins,
  neighbours: async (hub) => await measureNeighbours(hub),
  ...Object.fromEntries(
    Object.keys(WAYS).map((way) => [way, async (hub) => await measureNeighbours(hub, [way])]),
  ),
};
const ALL = ['start', 'calls', 'chains', 'plugins', 'neighbours', 'click'];

const HELP = `npm run bench -- [--json] [part …]
npm run bench -- soak [--minutes 10]

Prints every figure of one run side by side, with its budget; about ten minutes on two cores.
Parts: ${ALL.join(', ')}; registry, beside verdaccio, which is fetched from npm; of neighbours, each alone: ${Object.keys(WAYS).join(', ')}.
soak: twenty hostile plugins and twenty honest ones at once.`;

/** Prints every figure of one run side by side; `--json` as one JSON line. */
async function main(args: readonly string[]): Promise<void> {
  if (args[0] === 'soak') return await soak(args.slice(1));
  if (args.includes('--help')) return console.log(HELP);
  const parts = args.filter((it) => it !== '--json');
  const unknown = parts.find((it) => !Object.hasOwn({ ...ALONE, ...IN_HUB }, it));
  if (unknown !== undefined) throw new Error(`There is no part ${unknown}.\n${HELP}`);
  const rows: Row[] = [];
  const add = (more: readonly Row[]): void => {
    for (const row of more) {
      rows.push(row);
      if (!args.includes('--json')) console.log(lineOf(row));
    }
  };
  for await (const more of measured(parts.length === 0 ? ALL : parts)) add(more);
  if (args.includes('--json'))
    console.log(JSON.stringify({ cpus: cpus().length, node: process.version, rows }));
}

/** The rows of one part after the other; those that share a hub share it until a part wants to be alone. */
async function* measured(parts: readonly string[]): AsyncIterable<readonly Row[]> {
  using folder = temporaryFolder('bench');
  applyPolicy(folder.path, ['bench/*']);
  let hub: Hub | null = null;
  for (const part of parts) {
    const alone = ALONE[part];
    if (alone !== undefined) await hub?.[Symbol.asyncDispose]();
    hub = alone === undefined ? (hub ?? (await openHub({ folder: folder.path }))) : null;
    yield (await (hub === null ? alone?.() : IN_HUB[part]?.(hub))) ?? [];
  }
  await hub?.[Symbol.asyncDispose]();
}

function lineOf({ what, figure, budget, isMet }: Row): string {
  const mark = isMet === undefined ? '' : isMet ? '  ✓' : '  ✗';
  return `${what.padEnd(52)} ${figure.padStart(22)}${budget === undefined ? '' : `   (${budget})`}${mark}`;
}

await main(process.argv.slice(2));
