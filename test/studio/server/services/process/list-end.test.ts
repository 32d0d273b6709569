import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test, vi, type TestContext } from 'vitest';
import {
  coded,
  isUp,
  marked,
  newMark,
  openStage,
  programNow,
  SH,
  SLEEP,
  waitFor,
} from './process-stage.ts';

/** A program that no plugin started: not below this process, since what is there belongs to the hub. */
async function stranger(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  script: string,
): Promise<{ readonly pid: number; readonly mark: string }> {
  const mark = newMark();
  const words = ['-c', '"$0" -c "$1" "$2" >/dev/null 2>&1 & echo $!', SH, script, mark];
  const child = spawn(SH, words, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  onTestFinished(() => {
    for (const pid of marked(mark)) endWithChildren(pid);
  });
  const exited = once(child, 'exit');
  // SAFETY: a pipe without an encoding gives buffers.
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  await exited;
  const pid = Number(line.toString());
  await waitFor(() => expect(marked(mark)).toContain(pid));
  return { pid, mark };
}

/** What a shell waits for has no mark of its own. */
function endWithChildren(pid: number): void {
  const path = `/proc/${String(pid)}/task/${String(pid)}/children`;
  const children = readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number);
  for (const it of [...children, pid]) if (isUp(it)) process.kill(it, 'SIGKILL');
}

/** So that it stays while its own children do, and each shows in its mark. */
const CHILDREN = `${SH} -c 'sleep 600; :' "$0" & ${SH} -c 'sleep 600; :' "$0" & wait`;

test('what runs is listed with pid, parent, name, program and start, oldest first', async (context) => {
  const before = Date.now();
  const { pid } = await stranger(context, 'sleep 600; :');
  const { processes } = await openStage().list();
  const found = processes.find((it) => it.pid === pid);
  expect(found).toEqual({
    pid,
    parent: expect.any(Number),
    name: expect.any(String),
    program: SH,
    startedAt: expect.any(Number),
  });
  expect(Math.abs((found?.startedAt ?? 0) - before)).toBeLessThan(5000);
  const starts = processes.map((it) => it.startedAt);
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  expect(processes.map((it) => it.pid)).toContain(process.pid);
});

test('a name narrows the list to what is named so', async (context) => {
  const { pid } = await stranger(context, 'sleep 600; :');
  const { list } = openStage();
  const name = SH.slice(SH.lastIndexOf('/') + 1);
  expect((await list(name)).processes.map((it) => it.pid)).toContain(pid);
  expect((await list('no program is called this')).processes).toEqual([]);
});

test('a process ends with all it started, and they are counted', async (context) => {
  const { pid, mark } = await stranger(context, CHILDREN);
  await waitFor(() => expect(marked(mark)).toHaveLength(3));
  // Each of the two shells below has a sleep of its own, which carries no mark.
  const result = await openStage().end(pid, SH);
  expect(result).toEqual({ ended: 5 });
  expect(marked(mark)).toEqual([]);
});

test('what does not end when asked is ended after its grace', async (context) => {
  const { pid, mark } = await stranger(context, 'trap "" TERM; while :; do sleep 0.02; done');
  const from = performance.now();
  await openStage().end(pid, SH, 150);
  expect(performance.now() - from).toBeGreaterThanOrEqual(150);
  expect(marked(mark)).toEqual([]);
});

test('a program that a plugin runs may be ended, and its run tells how', async () => {
  const stage = openStage();
  const mark = newMark();
  const going = stage.run({ program: SH, args: ['-c', 'sleep 600; :', mark] });
  const { pid } = await found(() =>
    marked(mark)
      .map(asProgram)
      .find((it) => it.program === SH),
  );
  await stage.end(pid, SH);
  expect(await going).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  expect(isUp(pid)).toBe(false);
});

const asProgram = (pid: number) => ({ pid, program: programNow(pid) });

async function found<T>(look: () => T | undefined): Promise<T> {
  return await vi.waitFor(() => {
    const it = look();
    if (it === undefined) throw new Error('not yet');
    return it;
  });
}

test('ending a program that waits can be cancelled while it is given its time', async (context) => {
  const { pid } = await stranger(context, 'trap "" TERM; while :; do sleep 0.02; done');
  const stop = new AbortController();
  const ending = openStage().end(pid, SH, 60_000, stop.signal);
  stop.abort(new Error('keep it'));
  await expect(ending).rejects.toEqual(coded('STEP_CANCELLED'));
  expect(isUp(pid)).toBe(true);
});

test('a process that runs another program, or is none, is refused', async (context) => {
  const { pid } = await stranger(context, 'sleep 600; :');
  const { end } = openStage();
  await expect(end(pid, SLEEP)).rejects.toEqual(coded('PROCESS_REFUSED'));
  await expect(end(4_194_305, SH)).rejects.toEqual(coded('PROCESS_REFUSED'));
  expect(isUp(pid)).toBe(true);
});
