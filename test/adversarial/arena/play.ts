import { reportOf } from '@runtime-hub/plugin-sdk/contract';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import { openArena, SOON, type Arena, type Ended } from './arena.ts';
import type { AnyAttack, Expected, OtherAttack, PluginAttack, Seen } from './attack.ts';
import { jails } from './jails.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** What came of an attack: the code of its error, or `answered`. */
    outcome?: string;
  }
}

/** The jails of the two neighbours, and a spare isolate host with the one that may replace it. */
const RESIDENT_JAILS = 4;
/** How often the neighbours are asked while an attack goes on. */
const VISITS = 4;

/** Makes each attack a test, in one arena: it ends as expected, and costs nobody else anything. */
export function playAttacks(attacks: readonly AnyAttack[]): void {
  let arena: Arena;
  let home: readonly number[] = [];
  beforeAll(async () => {
    await buildRuntime();
    arena = await openArena();
    const first = await arena.neighbours();
    expect(first).toMatchObject({ failed: [] });
    home = first.pids;
  });
  afterAll(async () => {
    await arena[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(jails()).toEqual([]));
  });

  test.for(attacks.map((attack) => [attack.name, attack] as const))(
    '%s',
    { timeout: 60_000 },
    async ([, attack], { skip, task }) => {
      const reason = attack.cannotRun?.() ?? null;
      // Shows in the table as not run, which fails the suite.
      if (reason !== null) skip(reason);
      const from = arena.events.length;
      const outcome =
        'act' in attack ? await act(arena, attack) : await attackAsPlugin(arena, attack);
      task.meta.outcome = outcome.code ?? 'answered';
      expect(shown(outcome, attack.expect)).toEqual(wanted(attack.expect));
      const after = await arena.neighbours();
      expect(after, 'the neighbours answer, from the same processes').toEqual({
        failed: [],
        pids: home,
      });
      const seen = seenSince(arena, from, outcome);
      expect(outcome.message, 'no folder of the hub in an error').not.toContain(arena.hub.folder);
      for (const secret of arena.secrets) expect(seen.events.join('\n')).not.toContain(secret);
      if ('look' in attack) attack.look?.(seen);
      await vi.waitFor(() => expect(jails().length).toBeLessThanOrEqual(RESIDENT_JAILS), SOON);
    },
  );
}

async function act(arena: Arena, attack: OtherAttack): Promise<Ended> {
  try {
    return { run: '', code: null, message: '', out: await attack.act(arena) };
  } catch (error) {
    const { code, message } = reportOf(error);
    return { run: '', code, message, out: null };
  }
}

/** Installs the plugin, runs its node while the neighbours go on, then ends its host and sees that nothing is left of it. */
async function attackAsPlugin(arena: Arena, attack: PluginAttack): Promise<Ended> {
  const plugin = await arena.install(attack);
  let isOver = false;
  const attacked = arena.run(plugin).finally(() => (isOver = true));
  let visits = 0;
  do {
    expect(await arena.neighbours()).toMatchObject({ failed: [] });
    visits += 1;
  } while (!isOver && visits < VISITS);
  const ended = await attacked;
  await arena.end(plugin);
  return ended;
}

/** The part of an outcome that an expectation speaks of. */
function shown(outcome: Ended, expected: Expected): unknown {
  if (typeof expected === 'string') return { code: outcome.code, ...detail(outcome, expected) };
  if (Array.isArray(expected))
    return { oneOf: expected.includes(outcome.code as never) || outcome };
  return outcome.code === null ? { out: outcome.out } : outcome;
}

const wanted = (expected: Expected): unknown =>
  typeof expected === 'string'
    ? { code: expected }
    : Array.isArray(expected)
      ? { oneOf: true }
      : expected;

/** What a wrong outcome said, for whoever reads the failure. */
const detail = (outcome: Ended, expected: string): object =>
  outcome.code === expected ? {} : { message: outcome.message, out: outcome.out };

function seenSince(arena: Arena, from: number, outcome: Ended): Seen {
  const events = arena.events.slice(from);
  const stored = arena.hub.store.runs.list({ limit: 200 }).map((it) => JSON.stringify(it));
  const audit = arena.hub.store.audit.list({ limit: 500 }).map((it) => JSON.stringify(it));
  const texts = [JSON.stringify(outcome), ...events.map((it) => JSON.stringify(it))];
  return {
    events: [...texts, ...stored, ...audit],
    logs: events.flatMap((it) => (it.type === 'plugin.log' ? [it.text] : [])),
  };
}
