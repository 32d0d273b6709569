import { createContext, runInContext } from 'node:vm';
import type { PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { Hub } from '../../studio/server/hub.ts';
import { installCopies } from '../support/copies.ts';
import { spread } from './figures.ts';
import { attack, installHostile, WAYS } from './hostile.ts';
import type { Row } from './main.ts';
import { echo } from './plugins.ts';

const ROUNDS = 5;
const STEPS = 400;
/** A step every so often, as people's workflows run; not one after the other without a breath. */
const PAUSE_MS = 4;
const BOUND = 1.1;

/** An honest plugin's p99 beside a hostile one, against the same plugin's alone, turn by turn; median of the rounds. */
export async function measureNeighbours(
  hub: Hub,
  ways: readonly string[] = Object.keys(WAYS),
): Promise<readonly Row[]> {
  const [honest] = await installCopies(hub, 'bench/calm', 1);
  if (honest === undefined) throw new Error('No plugin was installed.');
  await p99(hub, honest);
  const rows: Row[] = [];
  for (const way of ways) {
    const plugin = await installHostile(hub, `bench/${way.replaceAll(' ', '-')}`, way);
    const rounds = { alone: [] as number[], beside: [] as number[] };
    let ended = '';
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.alone.push(await p99(hub, honest));
      await using hostile = attack(hub, plugin);
      rounds.beside.push(await p99(hub, honest));
      ended = [...hostile.ends.keys()].join(', ');
    }
    await hub.pool.stop(plugin);
    rows.push(rowOf(`beside one that is ${way} (${ended})`, rounds));
  }
  rows.push({
    what: 'p99 for contrast: the same spin in node:vm',
    figure: `${(await spinInVm(hub, honest)).toFixed(0)} ms`,
  });
  return rows;
}

function rowOf(
  what: string,
  { alone, beside }: { alone: readonly number[]; beside: readonly number[] },
): Row {
  const [idle, busy] = [spread(alone).p50, spread(beside).p50];
  const figure = `${busy.toFixed(2)} / ${idle.toFixed(2)} ms = ${(busy / idle).toFixed(2)}`;
  return {
    what: `p99 ${what}`,
    figure,
    budget: `≤ ${String(BOUND)}×`,
    isMet: busy / idle <= BOUND,
  };
}

async function p99(hub: Hub, plugin: PluginId, steps = STEPS): Promise<number> {
  const samples: number[] = [];
  for (let index = 0; index < steps; index += 1) {
    samples.push(await echo(hub.pool, plugin));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return samples.toSorted((a, b) => a - b)[Math.floor(steps * 0.99)] ?? Number.NaN;
}

/** What peers do: the hostile function runs in the hub's own thread, with the same limit of 200 ms. */
async function spinInVm(hub: Hub, honest: PluginId): Promise<number> {
  const context = createContext({});
  const spin = setInterval(() => {
    try {
      runInContext('for (;;);', context, { timeout: 200 });
    } catch {
      // It always runs into its limit.
    }
  }, 210);
  try {
    return await p99(hub, honest, STEPS / 4);
  } finally {
    clearInterval(spin);
  }
}
