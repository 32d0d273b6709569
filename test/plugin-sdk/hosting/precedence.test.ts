import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Precedence } from '../../../plugin-sdk/hosting/precedence.ts';

/** What a session weighs; a machine without autogroups has no weights to change. */
const weightOf = (pid: number | string): string =>
  existsSync('/proc/self/autogroup')
    ? readFileSync(`/proc/${String(pid)}/autogroup`, 'utf8')
        .trim()
        .replace(/.* /u, '')
    : 'none';
const has = weightOf('self') !== 'none';

async function idle(detached: boolean): Promise<number> {
  const child = spawn('sleep', ['60'], { detached, stdio: 'ignore' });
  await once(child, 'spawn');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child.pid ?? 0;
}

const becomes = async (pid: number, weight: string): Promise<void> =>
  await vi.waitFor(() => expect(weightOf(pid)).toBe(has ? weight : 'none'), { timeout: 5000 });

test('a jail that starts goes behind others, one that keeps a core busy last, and a calm one does not', async () => {
  const pid = await idle(true);
  const precedence = new Precedence(() => pid);
  precedence.begin();
  await becomes(pid, '3');
  precedence.look(0.9);
  await becomes(pid, '5');
  precedence.begin();
  precedence.look(0.1);
  precedence.look(0.1);
  expect(weightOf(pid)).toBe(has ? '5' : 'none');
  precedence.look(0.1);
  await becomes(pid, '0');
});

test('a process that has no session of its own leaves the hub where it is', async () => {
  const before = weightOf('self');
  const child = await idle(false);
  const other = await idle(true);
  for (const pid of [child, other]) new Precedence(() => pid).look(1);
  await becomes(other, '5');
  expect(weightOf('self')).toBe(before);
});

test('what is gone, or not there yet, has no place', async () => {
  const pid = await idle(true);
  let known: number | null = null;
  const precedence = new Precedence(() => known);
  precedence.begin();
  known = 2 ** 22 + 1;
  precedence.begin();
  await vi.waitFor(() => {
    known = pid;
    precedence.begin();
    expect(weightOf(pid)).toBe(has ? '3' : 'none');
  });
});
