import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test, type TestContext } from 'vitest';
import {
  entryNow,
  lives,
  signalSame,
  tableNow,
} from '../../../studio/server/services/process/process-table.ts';
import {
  coded,
  isUp,
  marked,
  newMark,
  openStage,
  programNow,
  SH,
  SLEEP,
  temporaryFolder,
  waitFor,
} from '../../studio/server/services/process/process-stage.ts';

type Ctx = Pick<TestContext, 'onTestFinished'>;

/** A program nobody here is the parent of; it says its pid and goes on without output. */
async function stranger({ onTestFinished }: Ctx, program: string, ...args: readonly string[]) {
  const mark = newMark();
  const script = '"$@" >/dev/null 2>&1 & echo $!';
  const words = ['-c', script, mark, program, ...args];
  const child = spawn(SH, words, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  await exited;
  const pid = Number(line);
  onTestFinished(() => {
    for (const it of [...childrenOf(pid), pid].filter(isUp)) process.kill(it, 'SIGKILL');
  });
  await waitFor(() => expect(programNow(pid)).toBe(program));
  return pid;
}

const refusal = coded('PROCESS_REFUSED');

test('the hub does not end itself', async () => {
  const { end } = openStage();
  await expect(end(process.pid, process.execPath)).rejects.toEqual(refusal);
});

test('nothing that the hub was started by is ended', async () => {
  const { end } = openStage();
  let parents = 0;
  for (let pid = process.ppid; pid > 0; pid = entryNow(pid)?.parent ?? 0) {
    const program = programNow(pid);
    if (program === '') continue;
    await expect(end(pid, program)).rejects.toEqual(refusal);
    parents += 1;
  }
  expect(parents).toBeGreaterThan(0);
});

test('a host of the hub is not ended, nor what is in its jail', async ({ onTestFinished }) => {
  const mark = newMark();
  const jail = [
    '--unshare-user',
    '--unshare-pid',
    '--die-with-parent',
    '--ro-bind',
    '/',
    '/',
    '--',
  ];
  const host = spawn('bwrap', [...jail, SH, '-c', 'echo up; sleep 600; :', mark], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void host.kill('SIGKILL'));
  await once(createInterface({ input: host.stdout }), 'line');
  // Bubblewrap, the first in its namespace, and the shell; for a moment also what is to become the sleep.
  await waitFor(() => expect(marked(mark)).toHaveLength(3));
  const all = marked(mark);
  const { end } = openStage();
  for (const pid of all) await expect(end(pid, programNow(pid))).rejects.toEqual(refusal);
  expect(marked(mark)).toEqual(all);
});

test('what confines a program is not ended in its place', async () => {
  const stage = openStage();
  const mark = newMark();
  const stop = new AbortController();
  const going = stage.run({ program: SH, args: ['-c', 'sleep 600; :', mark] }, stop.signal);
  await waitFor(() => expect(marked(mark).some((pid) => programNow(pid) === SH)).toBe(true));
  const outer = marked(mark).find((pid) => entryNow(pid)?.parent === process.pid) ?? 0;
  await expect(stage.end(outer, programNow(outer))).rejects.toEqual(refusal);
  stop.abort(new Error('enough'));
  await expect(going).rejects.toEqual(coded('STEP_CANCELLED'));
});

test('what the hub says is its own is not ended', async (context) => {
  const pid = await stranger(context, SLEEP, '600');
  const { end } = openStage({ isOwn: (it) => it === pid });
  await expect(end(pid, SLEEP)).rejects.toEqual(refusal);
  expect(isUp(pid)).toBe(true);
});

test('what is the hub’s own is spared when its parent ends', async (context) => {
  const pid = await stranger(context, SH, '-c', 'sleep 600 & sleep 600 & wait');
  const children = () => childrenOf(pid);
  await waitFor(() => expect(children()).toHaveLength(2));
  const [own = 0, other = 0] = children();
  context.onTestFinished(() => void process.kill(own, 'SIGKILL'));
  expect(await openStage({ isOwn: (it) => it === own }).end(pid, SH)).toEqual({ ended: 2 });
  expect([isUp(own), isUp(other)]).toEqual([true, false]);
});

test('the first process of the machine is not ended', async () => {
  const { end } = openStage();
  const program = programNow(1) === '' ? '/sbin/init' : programNow(1);
  await expect(end(1, program)).rejects.toEqual(refusal);
});

test('a grant to end one program ends no other', async (context) => {
  const pid = await stranger(context, SLEEP, '600');
  const { end } = openStage({ grants: [`process.end:${SH}`] });
  await expect(end(pid, SLEEP)).rejects.toEqual(coded('CAPABILITY_DENIED'));
  await expect(end(pid, SH)).rejects.toEqual(refusal);
  expect(isUp(pid)).toBe(true);
});

test('a link to a program stands for it only where both were granted', async (context) => {
  const pid = await stranger(context, SLEEP, '600');
  const link = join(temporaryFolder(context), 'link');
  symlinkSync(SLEEP, link);
  const narrow = openStage({ grants: [`process.end:${link}`] });
  await expect(narrow.end(pid, link)).rejects.toEqual(coded('CAPABILITY_DENIED'));
  const both = openStage({ grants: [`process.end:${link}`, `process.end:${SLEEP}`] });
  expect(await both.end(pid, link)).toEqual({ ended: 1 });
});

test('a link made anew does not make another program of what runs', async (context) => {
  const pid = await stranger(context, SLEEP, '600');
  const link = join(temporaryFolder(context), 'link');
  symlinkSync(SH, link);
  await expect(openStage().end(pid, link)).rejects.toEqual(refusal);
  expect(isUp(pid)).toBe(true);
});

test('a program whose file is gone is not known by its old path', async (context) => {
  const copy = join(temporaryFolder(context), 'copy');
  copyFileSync(SLEEP, copy);
  const pid = await stranger(context, copy, '600');
  rmSync(copy);
  const stage = openStage();
  await expect(stage.end(pid, copy)).rejects.toEqual(refusal);
  const found = (await stage.list()).processes.find((it) => it.pid === pid);
  expect(found?.program).toBeNull();
});

test('a zombie is not ended again', async ({ onTestFinished }) => {
  // A shell that is still one when its child ends takes the zombie away.
  const script = `${SLEEP} 1 & echo $!; exec ${SLEEP} 600`;
  const parent = spawn(SH, ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  const pid = Number(line);
  await waitFor(() => expect(entryNow(pid)?.zombie).toBe(true));
  await expect(openStage().end(pid, SLEEP)).rejects.toEqual(refusal);
});

test('a pid that was given to another process since is not signalled', async (context) => {
  const pid = await stranger(context, SLEEP, '600');
  const startTicks = entryNow(pid)?.startTicks ?? 0;
  const before = { pid, startTicks: startTicks - 1 };
  expect([signalSame(before, 'SIGKILL'), lives(before), isUp(pid)]).toEqual([false, false, true]);
  expect(signalSame({ pid, startTicks }, 'SIGKILL')).toBe(true);
  await waitFor(() => expect(isUp(pid)).toBe(false));
});

test('a tree that ignores every wish to end, and starts more while it is asked, is ended', async (context) => {
  const ignore = 'trap "" TERM HUP INT QUIT;';
  const inner = `${ignore} while :; do ${SLEEP} 0.03 & wait; done`;
  const script = `${ignore} ${SH} -c '${inner}' & ${SH} -c '${inner}' & wait; wait; wait`;
  const pid = await stranger(context, SH, '-c', script);
  await waitFor(() => expect(childrenOf(pid)).toHaveLength(2));
  const children = childrenOf(pid);
  // SAFETY: the broker checked the result against the contract.
  const { ended } = (await openStage().end(pid, SH, 100)) as { readonly ended: number };
  expect(ended).toBeGreaterThanOrEqual(3);
  expect([pid, ...children].filter(isUp)).toEqual([]);
});

test('a process that stopped itself is ended', async (context) => {
  const pid = await stranger(context, SH, '-c', 'kill -STOP $$; :');
  await waitFor(() => expect(entryNow(pid)).not.toBeNull());
  expect(await openStage().end(pid, SH, 50)).toEqual({ ended: 1 });
});

test('a name that looks like a line of the table deceives nobody', async (context) => {
  const script = `printf ') R 1 1 1 (' > /proc/$$/comm; ${SLEEP} 600; :`;
  const pid = await stranger(context, SH, '-c', script);
  await waitFor(() => expect(entryNow(pid)?.name).toBe(') R 1 1 1 ('));
  const real = entryNow(pid);
  expect(real?.startTicks).toBeGreaterThan(1);
  const found = (await openStage().list()).processes.find((it) => it.pid === pid);
  expect(found).toMatchObject({ name: ') R 1 1 1 (', program: SH, parent: real?.parent });
});

test('a name that drives a terminal comes without what drives it', async (context) => {
  const script = `printf '\\033[2Jx\\n' > /proc/$$/comm; ${SLEEP} 600; :`;
  const pid = await stranger(context, SH, '-c', script);
  const stage = openStage();
  await waitFor(() => expect(entryNow(pid)?.name).toContain('[2Jx'));
  const found = (await stage.list()).processes.find((it) => it.pid === pid);
  expect(found?.name).toMatch(/^[^\p{Cc}]*\[2Jx[^\p{Cc}]*$/u);
});

test('a list holds neither arguments nor environments', async (context) => {
  const script = `TOKEN=tk-5813 exec ${SLEEP} 613.25`;
  const pid = await stranger(context, SH, '-c', `${script} & wait`);
  await waitFor(() => expect(childrenOf(pid)).toHaveLength(1));
  const text = JSON.stringify(await openStage().list());
  expect(text).toContain(String(childrenOf(pid)[0]));
  expect(text).not.toMatch(/613\.25|tk-5813/u);
});

function childrenOf(pid: number): readonly number[] {
  const found = tableNow().filter((it) => it.parent === pid && !it.zombie);
  return found.map((it) => it.pid);
}
