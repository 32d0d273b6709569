import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findConfinement } from '../../../studio/server/services/process/confinement.ts';
import { plugin } from '../../kernel/capability/world.ts';
import {
  bothConfinements,
  coded,
  isUp,
  marked,
  newMark,
  openStage,
  programNow,
  SH,
  temporaryFolder,
  waitFor,
  writeProgram,
} from '../../studio/server/services/process/process-stage.ts';

/** Starts, by way of two that end at once, a process of a new session, without environment, that ignores every wish to end. */
const ESCAPE = `
trap '' TERM HUP INT QUIT
( setsid env -i "$0" -c 'trap "" TERM HUP INT QUIT; while :; do sleep 600; done' "$1" </dev/null >/dev/null 2>&1 & ) &
wait
`;
const STAY = `${ESCAPE} while :; do sleep 600; done`;
const [best, group] = await bothConfinements();

describe.for([
  ['in a pid namespace', best],
  ['in a process group', group],
] as const)('%s', ([, confinement]) => {
  const open = () => openStage(confinement === undefined ? {} : { confinement });

  test('nothing of a tree outlives its timeout', async () => {
    const mark = newMark();
    const going = open().run({ program: SH, args: ['-c', STAY, SH, mark], timeoutMs: 400 });
    await waitFor(() => expect(marked(mark).length).toBeGreaterThanOrEqual(2));
    await expect(going).rejects.toEqual(coded('STEP_TIMED_OUT'));
    expect(marked(mark)).toEqual([]);
  });

  test('nothing of a tree outlives a cancelled step', async () => {
    const mark = newMark();
    const stop = new AbortController();
    const going = open().run({ program: SH, args: ['-c', STAY, SH, mark] }, stop.signal);
    await waitFor(() => expect(marked(mark).length).toBeGreaterThanOrEqual(2));
    stop.abort(new Error('enough'));
    await expect(going).rejects.toEqual(coded('STEP_CANCELLED'));
    await waitFor(() => expect(marked(mark)).toEqual([]));
  });

  test('nothing of a tree outlives a revoked grant by 250 ms', async () => {
    const mark = newMark();
    const stage = open();
    const going = stage.run({ program: SH, args: ['-c', STAY, SH, mark] });
    await waitFor(() => expect(marked(mark).length).toBeGreaterThanOrEqual(2));
    const pids = marked(mark);
    const from = performance.now();
    stage.broker.revoke({ plugin, capability: 'process.run', by: 'me' });
    await expect(going).rejects.toEqual(coded('CAPABILITY_REVOKED'));
    await waitFor(() => expect(pids.filter(isUp)).toEqual([]));
    expect(performance.now() - from).toBeLessThan(250);
    expect(marked(mark)).toEqual([]);
  });

  test('nothing of a tree outlives its program', async () => {
    const mark = newMark();
    const result = await open().run({ program: SH, args: ['-c', ESCAPE, SH, mark] });
    expect(result).toMatchObject({ exitCode: 0 });
    expect(marked(mark)).toEqual([]);
  });

  test('a program that stopped itself is ended', async () => {
    const mark = newMark();
    const args = ['-c', 'kill -STOP $$; :', mark];
    const going = open().run({ program: SH, args, timeoutMs: 300 });
    await expect(going).rejects.toEqual(coded('STEP_TIMED_OUT'));
    expect(marked(mark)).toEqual([]);
  });

  test('a program that starts too many is ended with all of them', async () => {
    const mark = newMark();
    const stage = openStage({
      maxProcesses: 40,
      ...(confinement === undefined ? {} : { confinement }),
    });
    const script =
      'i=0; while [ $i -lt 120 ]; do "$0" -c "sleep 600; :" "$1" & i=$((i+1)); done; wait';
    const going = stage.run({ program: SH, args: ['-c', script, SH, mark] });
    await expect(going).rejects.toMatchObject({
      code: 'PROCESS_REFUSED',
      data: { program: SH, reason: 'it started too many processes' },
    });
    expect(marked(mark)).toEqual([]);
  });

  test('children that nobody waits for leave no zombie', async () => {
    const stage = open();
    const mark = newMark();
    const script = 'for i in 1 2 3 4 5; do "$0" -c : "$1" & done; exec "$0" -c "sleep 0.1; :" "$1"';
    expect(await stage.run({ program: SH, args: ['-c', script, SH, mark] })).toMatchObject({
      exitCode: 0,
    });
    expect(marked(mark)).toEqual([]);
  });

  test('a step cancelled before it begins starts nothing', async (context) => {
    const folder = temporaryFolder(context);
    const stop = new AbortController();
    stop.abort(new Error('too late'));
    const stage = open();
    await expect(stage.sh('touch begun', { folder }, stop.signal)).rejects.toEqual(
      coded('STEP_CANCELLED'),
    );
    expect(await stage.sh('ls', { folder })).toMatchObject({ stdout: '' });
  });

  test('steps cancelled at every moment of their start leave nothing', async () => {
    const stage = open();
    const mark = newMark();
    for (let turns = 0; turns < 30; turns += 1) {
      const stop = new AbortController();
      const going = stage.run({ program: SH, args: ['-c', STAY, SH, mark] }, stop.signal);
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      stop.abort(new Error('enough'));
      await expect(going).rejects.toEqual(coded('STEP_CANCELLED'));
    }
    await waitFor(() => expect(marked(mark)).toEqual([]));
  });
});

test('a program cannot end what confines it', async () => {
  const mark = newMark();
  const script = `kill -9 1; kill -STOP 1; ${STAY}`;
  const going = openStage().run({ program: SH, args: ['-c', script, SH, mark], timeoutMs: 400 });
  await expect(going).rejects.toEqual(coded('STEP_TIMED_OUT'));
  expect(marked(mark)).toEqual([]);
});

// It doubles slowly, so that the machine has room for other tests.
test('a fork bomb is ended, and others run meanwhile', async (context) => {
  const folder = temporaryFolder(context);
  const bomb = writeProgram(
    join(folder, 'bomb'),
    '#!/bin/sh\nsleep 0.02; "$0" "$1" & "$0" "$1" & wait\n',
  );
  const mark = newMark();
  const stage = openStage({ maxProcesses: 100 });
  const bombing = stage.run({ program: bomb, args: [mark], timeoutMs: 10_000 });
  const beside = stage.sh('echo fine');
  await expect(bombing).rejects.toEqual(coded('PROCESS_REFUSED'));
  expect(await beside).toMatchObject({ stdout: 'fine\n' });
  expect(marked(mark)).toEqual([]);
});

const CHILD = join(import.meta.dirname, 'running-child.ts');

/** A hub that runs one program, to be killed; tells when it has begun to start it. */
function openHub(words: readonly string[], prefix: readonly string[] = []) {
  const [file = '', ...args] = [...prefix, process.execPath, CHILD, ...words];
  const hub = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void hub.kill('SIGKILL'));
  return { hub, lines: createInterface({ input: hub.stdout })[Symbol.asyncIterator]() };
}

test('nothing of a tree outlives a hub that is killed', async (context) => {
  const up = join(temporaryFolder(context), 'up');
  const mark = newMark();
  const { hub } = openHub([SH, `: > ${up}; ${STAY}`, mark]);
  await waitFor(() => expect(existsSync(up)).toBe(true));
  await waitFor(() => expect(marked(mark).length).toBeGreaterThanOrEqual(5));
  hub.kill('SIGKILL');
  await once(hub, 'exit');
  await waitFor(() => expect(marked(mark)).toEqual([]));
});

test('nothing outlives a hub that is killed at any moment of a start, once the next hub is there', async () => {
  const mark = newMark();
  for (let turns = 0; turns < 8; turns += 1) {
    const { hub, lines } = openHub([SH, STAY, mark]);
    await lines.next();
    for (let turn = 0; turn < turns * 3; turn += 1) await new Promise(setImmediate);
    hub.kill('SIGKILL');
    await once(hub, 'exit');
  }
  await waitFor(() => expect(marked(mark).filter((pid) => programNow(pid) === SH)).toEqual([]));
  await findConfinement();
  await waitFor(() => expect(marked(mark)).toEqual([]));
});

test('for an ordinary user a tree is ended as well', async () => {
  const mark = newMark();
  const nobody = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const as = process.getuid?.() === 0 ? nobody : [];
  const { hub, lines } = openHub([SH, STAY, mark, '400'], as);
  const exited = once(hub, 'exit');
  const said = [await lines.next(), await lines.next()].map((it) => String(it.value));
  await exited;
  expect(said).toEqual(['namespace', 'STEP_TIMED_OUT']);
  expect(marked(mark)).toEqual([]);
});
