import { cpus } from 'node:os';
import { applyPolicy } from '../support/trust.ts';
import { temporaryFolder } from '../support/hub.ts';
import { openHub } from '../../studio/server/hub.ts';
import { measureChains } from './chains.ts';
import { measureClick } from './click.ts';
import { measureCalls } from './calls.ts';
import { measureNeighbours } from './neighbours.ts';
import { measurePlugins } from './plugins.ts';
import { soak } from './soak.ts';
import { measureStart } from './start.ts';

export interface Row {
  readonly what: string;
  readonly figure: string;
  /** The budget, when the product has one. */
  readonly budget?: string;
  readonly isMet?: boolean;
}

const HELP = `npm run bench -- [--json] [soak [--minutes 10]]

Prints every figure of one run side by side, with its budget; about ten minutes on two cores.
soak: twenty hostile plugins and twenty honest ones at once.`;

/** Prints every figure of one run side by side; `--json` as one JSON line. */
async function main(args: readonly string[]): Promise<void> {
  if (args[0] === 'soak') return await soak(args.slice(1));
  if (args.includes('--help')) return console.log(HELP);
  const rows: Row[] = [];
  const add = (more: readonly Row[]): void => {
    for (const row of more) {
      rows.push(row);
      if (!args.includes('--json')) console.log(lineOf(row));
    }
  };
  using folder = temporaryFolder('bench');
  applyPolicy(folder.path, ['bench/*']);
  add(await measureStart());
  {
    await using hub = await openHub({ folder: folder.path });
    add(await measureCalls(hub));
    add(await measureChains(hub));
    add(await measurePlugins(hub));
    add(await measureNeighbours(hub));
  }
  add(await measureClick());
  if (args.includes('--json'))
    console.log(JSON.stringify({ cpus: cpus().length, node: process.version, rows }));
}

function lineOf({ what, figure, budget, isMet }: Row): string {
  const mark = isMet === undefined ? '' : isMet ? '  ✓' : '  ✗';
  return `${what.padEnd(52)} ${figure.padStart(22)}${budget === undefined ? '' : `   (${budget})`}${mark}`;
}

await main(process.argv.slice(2));
