import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { caller } from '../../../../kernel/capability/world.ts';
import {
  coded,
  ENV,
  newMark,
  openStage,
  marked,
  SH,
  temporaryFolder,
  waitFor,
  writeProgram,
} from './process-stage.ts';

test('a program runs with its arguments and input, and its output, errors and exit code come back', async () => {
  const { run } = openStage();
  const script = 'cat; echo "to $1" >&2; exit 3';
  const result = await run({ program: SH, args: ['-c', script, 'sh', 'err'], stdin: 'grüße\n' });
  expect(result).toEqual({
    exitCode: 3,
    signal: null,
    stdout: 'grüße\n',
    stderr: 'to err\n',
    truncated: false,
    ms: expect.any(Number),
  });
});

test('a program that a signal ended has no exit code but the signal', async () => {
  const stage = openStage();
  expect(await stage.sh('kill -TERM $$')).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  expect(await stage.sh('kill -KILL $$')).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  expect(await stage.sh('exit 255')).toMatchObject({ exitCode: 255, signal: null });
});

test('it gets PATH, HOME, LANG, and what it was given, and nothing else of the hub', async () => {
  const { run } = openStage();
  const { stdout } = await run({ program: ENV, env: { GREETING: 'hi there', NODE_ENV: 'test' } });
  const values = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((it) => it.split('=', 2)),
  );
  // PWD is where it runs; bubblewrap sets it.
  const names = ['GREETING', 'HOME', 'LANG', 'NODE_ENV', 'PATH', 'PWD'];
  expect(Object.keys(values).toSorted()).toEqual(names);
  expect(values).toMatchObject({ GREETING: 'hi there', HOME: homedir(), PWD: homedir() });
  expect(values['PATH']).not.toContain('node_modules');
});

test('it gets the display where there is one', async () => {
  const { run } = openStage({ display: ':77' });
  expect((await run({ program: ENV })).stdout).toContain('DISPLAY=:77\n');
});

test('it runs in the folder that was named', async (context) => {
  const folder = temporaryFolder(context);
  const stage = openStage();
  expect(await stage.sh('pwd -P', { folder })).toMatchObject({ stdout: `${folder}\n` });
  expect(await stage.sh('pwd -P', { folder: '~' })).toMatchObject({ stdout: `${homedir()}\n` });
});

test('a folder that is not there, or is a file, is refused before anything starts', async (context) => {
  const folder = temporaryFolder(context);
  const file = writeProgram(join(folder, 'file'), '');
  const stage = openStage();
  for (const it of [join(folder, 'none'), file, 'relative', '~user'])
    await expect(stage.sh('true', { folder: it })).rejects.toEqual(coded('STEP_INPUT_INVALID'));
});

test('output is told while the program runs, in whole lines', async () => {
  const { sh, run, output } = openStage();
  const stop = new AbortController();
  const mark = newMark();
  const going = run(
    { program: SH, args: ['-c', 'echo one; printf tw; echo bad >&2; sleep 60', mark] },
    stop.signal,
  );
  await waitFor(() => expect(output).toHaveLength(2));
  expect(output.toSorted((a, b) => a.stream.localeCompare(b.stream))).toEqual([
    { stream: 'stderr', text: 'bad\n' },
    { stream: 'stdout', text: 'one\n' },
  ]);
  stop.abort(new Error('enough'));
  await expect(going).rejects.toEqual(coded('STEP_CANCELLED'));
  await waitFor(() => expect(marked(mark)).toEqual([]));
  output.length = 0;
  await sh('printf three');
  expect(output).toEqual([{ stream: 'stdout', text: 'three' }]);
});

test('output is kept up to its limit, and says so', async () => {
  const stage = openStage();
  const many = 'i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done';
  const { stdout, truncated } = await stage.sh(many, { maxOutputBytes: 25 });
  expect([stdout, truncated]).toEqual(['0123456789\n0123456789\n012', true]);
  expect(await stage.sh('printf 12345', { maxOutputBytes: 5 })).toMatchObject({ truncated: false });
});

test('a program that takes too long is ended, and the step with it', async () => {
  const stage = openStage();
  const going = stage.sh('sleep 60', { timeoutMs: 50 });
  await expect(going).rejects.toMatchObject({ code: 'STEP_TIMED_OUT', data: { timeoutMs: 50 } });
});

test('a program is asked to end before it is ended', async (context) => {
  const folder = temporaryFolder(context);
  const stage = openStage();
  const script = 'trap "echo tidy > done; exit" TERM; while :; do sleep 0.01; done';
  const going = stage.sh(script, { folder, timeoutMs: 300 });
  await expect(going).rejects.toEqual(coded('STEP_TIMED_OUT'));
  expect(await stage.sh('cat done', { folder })).toMatchObject({ stdout: 'tidy\n' });
});

test('a plugin runs so many programs at once; the others wait their turn', async (context) => {
  const folder = temporaryFolder(context);
  const stage = openStage({ maxPrograms: 2 });
  // Each says how many go on beside it, itself included, before it leaves.
  const script = 'mkdir "in-$1"; sleep 0.05; ls -d in-* | wc -l; sleep 0.05; rmdir "in-$1"';
  const results = await Promise.all(
    [1, 2, 3, 4, 5, 6].map(
      async (it) =>
        await stage.run({ program: SH, args: ['-c', script, 'sh', String(it)], folder }),
    ),
  );
  const beside = results.map((it) => Number(it.stdout));
  expect(Math.max(...beside)).toBe(2);
  expect(results.every((it) => it.exitCode === 0)).toBe(true);
});

test('a program that waits its turn can be cancelled', async () => {
  const stage = openStage({ maxPrograms: 1 });
  const [first, second] = [new AbortController(), new AbortController()];
  const going = stage.sh('sleep 60', {}, first.signal);
  const waiting = stage.sh('sleep 60', {}, second.signal);
  second.abort(new Error('not any more'));
  await expect(waiting).rejects.toEqual(coded('STEP_CANCELLED'));
  first.abort(new Error('enough'));
  await expect(going).rejects.toEqual(coded('STEP_CANCELLED'));
  expect(await stage.sh('echo next')).toMatchObject({ stdout: 'next\n' });
});

test('each use names the program in the audit', async () => {
  const { run, audit } = openStage();
  await run({ program: SH, args: ['-c', 'true'] });
  expect(audit.map((it) => [it.need, it.operation, it.decision])).toContainEqual([
    `process.run:${SH}`,
    'run',
    'allowed',
  ]);
});

test('an operation that is none is denied', async () => {
  const { broker } = openStage();
  const request = { capability: 'process.run', operation: 'shell', args: {} } as const;
  const called = broker.call(caller, request, new AbortController().signal);
  await expect(called).rejects.toEqual(coded('CAPABILITY_DENIED'));
});
