import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/hub.ts';
import { spread } from './figures.ts';
import type { Row } from './main.ts';

const HUB = fileURLToPath(new URL('../../studio/server/cli/hub.mjs', import.meta.url));
const STARTS = 5;

/** From starting the process to the API answering, and the memory of the idle hub. */
export async function measureStart(): Promise<readonly Row[]> {
  const starts: { ms: number; rssMb: number }[] = [];
  for (let start = 0; start < STARTS; start++) starts.push(await startOnce());
  const ms = spread(starts.map((it) => it.ms)).p50;
  const rssMb = spread(starts.map((it) => it.rssMb)).p50;
  return [
    {
      what: 'cold start to API ready',
      figure: `${ms.toFixed(0)} ms`,
      budget: '< 1,000 ms',
      isMet: ms < 1000,
    },
    {
      what: 'RSS of the idle hub',
      figure: `${rssMb.toFixed(0)} MB`,
      budget: '< 150 MB',
      isMet: rssMb < 150,
    },
  ];
}

async function startOnce(): Promise<{ ms: number; rssMb: number }> {
  using folder = temporaryFolder('start');
  const begin = performance.now();
  const child = spawn(
    process.execPath,
    [HUB, 'start', '--port', '0', '--json', '--data', folder.path],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { url } = JSON.parse(String(line)) as { url: string };
  const answer = await fetch(new URL('healthz', url));
  if (!answer.ok) throw new Error(`The hub answered ${String(answer.status)}.`);
  const ms = performance.now() - begin;
  const pages = Number(readFileSync(`/proc/${String(child.pid)}/statm`, 'utf8').split(' ')[1]);
  child.kill('SIGTERM');
  await exited;
  return { ms, rssMb: (pages * 4096) / 1e6 };
}
