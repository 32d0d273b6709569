import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ISOLATE_HOST } from '@runtime-hub/plugin-sdk/runtime';
import { expect, test, vi } from 'vitest';
import { endOrphans } from '../../../plugin-sdk/hosting/jail/orphans.ts';

/** A jail that does not die with its parent; `marks` are words of its command line. Resolves when it runs. */
async function openJail(...marks: readonly string[]) {
  const script = 'echo up; exec sleep 600';
  const args = ['--unshare-user', '--unshare-pid', '--ro-bind', '/', '/', '--', 'sh', '-c', script];
  const child = spawn('bwrap', [...args, ...marks], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(createInterface({ input: child.stdout }), 'line');
  const pid = Number(child.pid);
  const first = Number(readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8'));
  return { child, first };
}

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\tZ/mu.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test('a jail that lost its hub is ended; one that has its parent, or is not ours, is left alone', async () => {
  const kept = await openJail(ISOLATE_HOST);
  const foreign = await openJail('somebody-elses.js');
  const orphan = await openJail(ISOLATE_HOST);
  try {
    for (const { child } of [orphan, foreign]) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(lives(orphan.first)).toBe(true);
    expect(await endOrphans()).toContain(orphan.first);
    await vi.waitFor(() => expect(lives(orphan.first)).toBe(false));
    expect(lives(kept.first)).toBe(true);
    expect(lives(foreign.first)).toBe(true);
  } finally {
    for (const { first } of [kept, foreign, orphan])
      if (lives(first)) process.kill(first, 'SIGKILL');
  }
});
