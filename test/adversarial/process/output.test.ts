import { realpathSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  coded,
  marked,
  newMark,
  openStage,
  SH,
  waitFor,
} from '../../studio/server/services/process/process-stage.ts';

const MIB = 1_048_576;
const FRAME_BYTES = MIB - 1024;

test('a flood of output is read to its end and kept to its limit', async () => {
  const stage = openStage();
  const script = `yes flood | head -c ${String(200 * MIB)}; echo over >&2; exit 7`;
  const result = await stage.sh(script, { maxOutputBytes: 1000 });
  expect(result).toMatchObject({ exitCode: 7, stderr: 'over\n', truncated: true });
  expect(result.stdout).toBe('flood\n'.repeat(200).slice(0, 1000));
});

test('an endless flood leaves the hub its turns, and ends with its time', async () => {
  const { run } = openStage();
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 5);
  const going = run({ program: realpathSync('/usr/bin/yes'), timeoutMs: 1000 });
  await expect(going).rejects.toEqual(coded('STEP_TIMED_OUT'));
  clearInterval(counting);
  expect(turns).toBeGreaterThan(60);
});

test('one line without an end is kept to its limit', async () => {
  const stage = openStage();
  const { stdout, truncated } = await stage.sh(
    `head -c ${String(20 * MIB)} /dev/zero | tr '\\0' x`,
  );
  expect([stdout.length, truncated]).toEqual([65_536, true]);
});

test('a flood tells the log no more than is kept', async () => {
  const { sh, output } = openStage();
  await sh(`yes 1234567 | head -c ${String(5 * MIB)}`, { maxOutputBytes: 20_000 });
  expect(output.map((it) => it.text.length).reduce((a, b) => a + b)).toBeLessThanOrEqual(20_000);
  expect(output.length).toBeLessThan(20);
});

test('drips of output are told in few pieces', async () => {
  const { sh, output } = openStage();
  const { stdout } = await sh('i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); done');
  expect(output.map((it) => it.text).join('')).toBe(stdout);
  expect(output.length).toBeLessThan(50);
});

test.for([1, 2, 3, 4, 5, 6, 7, 8])('no character is cut at %d bytes', async (maxOutputBytes) => {
  const stage = openStage();
  const { stdout, truncated } = await stage.sh("printf 'aé€𝕊z'", { maxOutputBytes });
  expect('aé€𝕊z'.startsWith(stdout)).toBe(true);
  expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(maxOutputBytes);
  expect(Buffer.byteLength(stdout)).toBeGreaterThan(maxOutputBytes - 4);
  expect(truncated).toBe(true);
});

test('output that is no text comes as text all the same', async () => {
  const stage = openStage();
  const { stdout } = await stage.sh(String.raw`printf 'a\377\300\200\355\240\200b'`);
  expect(stdout).toMatch(/^a\u{FFFD}+b$/u);
});

test.for([
  ['every byte of which needs an escape', "'\\001'"],
  ['every byte of which is no UTF-8', "'\\377'"],
])('output %s still fits a frame', async ([, byte]) => {
  const stage = openStage();
  const flood = `head -c 300000 /dev/zero | tr '\\000' ${byte}`;
  const result = await stage.sh(`${flood}; ${flood} >&2`, { maxOutputBytes: 262_144 });
  expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(FRAME_BYTES);
  expect(result).toMatchObject({ truncated: true, exitCode: 0 });
  expect(result.stdout.length).toBeGreaterThan(50_000);
});

test('no output at all is kept when none is wanted', async () => {
  const stage = openStage();
  const result = await stage.sh('echo a; echo b >&2', { maxOutputBytes: 0 });
  expect(result).toMatchObject({ stdout: '', stderr: '', truncated: true });
});

test('input that nobody reads holds nothing up', async () => {
  const stage = openStage();
  const stdin = 'x'.repeat(500_000);
  expect(await stage.sh('exit 4', { stdin })).toMatchObject({ exitCode: 4 });
  expect(await stage.sh('exec 0<&-; echo closed', { stdin })).toMatchObject({ stdout: 'closed\n' });
});

test('a program that reads input it was not given finds its end', async () => {
  const stage = openStage();
  expect(await stage.sh('cat; echo end')).toMatchObject({ stdout: 'end\n' });
});

test('a program that closes its output goes on, and is waited for', async () => {
  const stage = openStage();
  const result = await stage.sh('exec 1>&- 2>&-; sleep 0.1; exit 9');
  expect(result).toMatchObject({ exitCode: 9, stdout: '', stderr: '' });
});

test('what is left in the background and holds the output holds nothing up', async () => {
  const { run } = openStage();
  const mark = newMark();
  const script = '"$0" -c "sleep 600; :" "$1" & echo done';
  const result = await run({ program: SH, args: ['-c', script, SH, mark] });
  expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n' });
  await waitFor(() => expect(marked(mark)).toEqual([]));
});
