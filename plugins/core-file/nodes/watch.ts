import * as Type from '@runtime-hub/plugin-sdk/schema';
import { codeOf, defineTrigger, type TriggerContext } from '@runtime-hub/plugin-sdk';
import { fits } from '../name-pattern.ts';
import { Path, ask } from './common.ts';

const WAIT_MS = 20_000;
/** How long it lets a rate recover, or a folder that is gone come back. */
const PAUSE_MS = 1000;
const MOST_ENTRIES = 10_000;
/** A folder that never rests is looked at after so many settle times. */
const MOST_SETTLES = 20;
/** Files of the hub's own, while it writes another. */
const IN_WRITING = '.hub-*.tmp';

interface Found {
  readonly name: string;
  readonly kind: string;
  readonly sizeBytes: number;
  readonly modifiedAt: number;
}

/** What told one state of a file from another, by name. */
type Seen = ReadonlyMap<string, string>;

/** Starts a run for new and changed files in a folder. */
export const watchTrigger = defineTrigger({
  type: 'watch',
  title: 'Watch a folder',
  description:
    'Starts a run when files in a folder are new or changed, once they rest. Folders below it are not watched.',
  config: Type.Object(
    {
      path: Path,
      /** For example `*.csv`. */
      names: Type.Optional(Type.String({ minLength: 1, maxLength: 255, default: '*' })),
      /** So long nothing must change before a run starts. */
      settleMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000, default: 500 })),
      /** Also starts a run for the files that are there when it begins. */
      atStart: Type.Optional(Type.Boolean({ default: false })),
    },
    { additionalProperties: false },
  ),
  outputs: {
    names: Type.Array(Type.String()),
    /** The same files, as paths. */
    paths: Type.Array(Type.String()),
  },
  uses: ['fs.read'],
  async listen({ config, context, emit }) {
    const { path, names: pattern = '*', settleMs = 500, atStart = false } = config;
    const below = path.endsWith('/') ? path : `${path}/`;
    const tell = async (before: Seen, now: Seen): Promise<void> => {
      const names = [...now.keys()].filter((it) => now.get(it) !== before.get(it));
      if (names.length > 0) await emit({ names, paths: names.map((it) => `${below}${it}`) });
    };
    // Comes back at once: from here on every change counts, also one between two waits.
    let { change } = await waitForChange(context, { path, after: 0, timeoutMs: 1 });
    let seen = await look(context, path, pattern);
    if (atStart) await tell(new Map(), seen);
    while (!context.signal.aborted) {
      const next = await patiently(context, async () => {
        const after = await settled(context, { path, after: change, settleMs });
        return { after, now: after === change ? seen : await look(context, path, pattern) };
      });
      await tell(seen, next.now);
      change = next.after;
      seen = next.now;
    }
  },
});

/** Waits for a change, then until nothing changes; the number of the last change. */
async function settled(
  context: TriggerContext,
  { path, after, settleMs }: { path: string; after: number; settleMs: number },
): Promise<number> {
  let last = await waitForChange(context, { path, after, timeoutMs: WAIT_MS });
  for (let left = MOST_SETTLES; left > 0 && !last.timedOut; left -= 1)
    last = await waitForChange(context, { path, after: last.change, timeoutMs: settleMs });
  return last.change;
}

async function look(context: TriggerContext, path: string, pattern: string): Promise<Seen> {
  const { entries, truncated } = await patiently(
    context,
    async () =>
      await ask<{ readonly entries: readonly Found[]; readonly truncated: boolean }>(
        context,
        ['fs.read', 'list'],
        { path, limit: MOST_ENTRIES },
      ),
  );
  if (truncated) context.log.warn('The folder holds too much: only its first files are watched.');
  const files = entries.filter(
    ({ kind, name }) => kind === 'file' && fits(name, pattern) && !fits(name, IN_WRITING),
  );
  return new Map(files.map((it) => [it.name, `${String(it.sizeBytes)} ${String(it.modifiedAt)}`]));
}

async function waitForChange(
  context: TriggerContext,
  args: { readonly path: string; readonly after: number; readonly timeoutMs: number },
): Promise<{ readonly change: number; readonly timedOut: boolean }> {
  return await ask(context, ['fs.read', 'wait-for-change'], args);
}

/** Tries again while the rate of its grant is used up, or the folder is gone for a while. */
async function patiently<T>(context: TriggerContext, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'CAPABILITY_RATE_EXCEEDED' && code !== 'FILE_NOT_FOUND') throw error;
    }
    await context.sleep(PAUSE_MS);
  }
}
