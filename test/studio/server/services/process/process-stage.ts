import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HubError, type Json } from '@runtime-hub/plugin-sdk/contract';
import { expect, vi, type TestContext } from 'vitest';
import {
  findConfinement,
  type Confinement,
} from '../../../../../studio/server/services/process/confinement.ts';
import {
  createProcessServices,
  type ProcessPorts,
} from '../../../../../studio/server/services/process/process-services.ts';
import type {
  RunArgs,
  RunResult,
} from '../../../../../studio/server/services/process/run-program.ts';
import { createRedactor } from '../../../../../studio/server/services/secrets/redactor.ts';
import { ask, caller, plugin, world } from '../../../../kernel/capability/world.ts';

const NEVER = new AbortController().signal;
/** How long something that is as good as over may still take. */
const SOON = { timeout: 5000, interval: 5 };

export const SH = realpathSync('/bin/sh');
export const ENV = realpathSync('/usr/bin/env');
export const SLEEP = realpathSync('/bin/sleep');

export interface StageOptions extends Partial<ProcessPorts> {
  readonly secrets?: Readonly<Record<string, string>>;
  /** `target` of the grants for process.run, process.end and secrets.use; everything when left out. */
  readonly grants?: readonly string[];
}

/** The services behind a real broker, for one plugin that asked for everything and was granted some. */
export function openStage(options: StageOptions = {}) {
  const output: { readonly stream: string; readonly text: string }[] = [];
  const redactor = createRedactor();
  const services = createProcessServices({
    onOutput: (_caller, stream, text) => void output.push({ stream, text }),
    reveal(secret) {
      const value = options.secrets?.[secret];
      if (value === undefined) throw new HubError('SECRET_NOT_FOUND', { secret });
      redactor.add(secret, value);
      return value;
    },
    redact: (text) => redactor.redact(text),
    isOwn: () => false,
    ...options,
  });
  const permissions = (['process.run', 'process.list', 'process.end', 'secrets.use'] as const).map(
    (it) => ask(it),
  );
  const { broker, audit } = world(permissions, { services });
  if (options.grants === undefined) broker.approve({ plugin, by: 'me' });
  for (const it of options.grants ?? []) {
    const at = it.indexOf(':');
    const permission = permissions.find(({ capability }) => capability === it.slice(0, at));
    if (permission === undefined) throw new Error(`no capability in ${it}`);
    const { capability } = permission;
    broker.approve({ plugin, capability, target: it.slice(at + 1), by: 'me' });
  }
  const call = async (
    capability: 'process.run' | 'process.list' | 'process.end',
    args: Json,
    signal = NEVER,
  ): Promise<Json> => {
    const operation = capability.slice(capability.indexOf('.') + 1);
    return await broker.call(caller, { capability, operation, args }, signal);
  };
  const run = async (args: Partial<RunArgs> & { readonly program: string }, signal = NEVER) =>
    // SAFETY: the broker checked the result against the contract.
    (await call('process.run', { args: [], ...args } as Json, signal)) as RunResult;
  const sh = async (script: string, more: Partial<RunArgs> = {}, signal = NEVER) =>
    await run({ program: SH, args: ['-c', script], ...more }, signal);
  const end = async (pid: number, program: string, graceMs?: number, signal = NEVER) => {
    const args = { pid, program, ...(graceMs === undefined ? {} : { graceMs }) };
    return await call('process.end', args, signal);
  };
  const list = async (name?: string) =>
    // SAFETY: as above.
    (await call('process.list', name === undefined ? {} : { name })) as unknown as ListResult;
  return { broker, audit, output, call, run, sh, end, list };
}

interface ListResult {
  readonly processes: readonly {
    readonly pid: number;
    readonly parent: number;
    readonly name: string;
    readonly program: string | null;
    readonly startedAt: number;
  }[];
}

export const coded = (code: string) => expect.objectContaining({ code });

/** A word that is in no other command line; whatever carries it was started by one test. */
export const newMark = (): string => `mark-${randomUUID()}`;

/** Pids of what carries a mark among its arguments and lives. */
export function marked(mark: string): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
  return pids.map(Number).filter((pid) => textOf(pid, 'cmdline').includes(mark) && isUp(pid));
}

export const isUp = (pid: number): boolean => {
  const status = textOf(pid, 'status');
  return status !== '' && !/^State:\t[ZX]/mu.test(status);
};

/** The file a process runs; empty when it is gone. */
export function programNow(pid: number): string {
  try {
    return readlinkSync(`/proc/${String(pid)}/exe`);
  } catch {
    return '';
  }
}

/** Empty when the process is gone. */
function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

export const waitFor = async (check: () => void | Promise<void>): Promise<void> => {
  await vi.waitFor(check, SOON);
};

/** A folder of its own, gone after the test. */
export function temporaryFolder({ onTestFinished }: Pick<TestContext, 'onTestFinished'>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hub-process-')));
  onTestFinished(() =>
    rmSync(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 20 }),
  );
  return folder;
}

export function writeProgram(file: string, text: string, mode = 0o755): string {
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** Both ways to hold a program's tree together that Linux has. */
export async function bothConfinements(): Promise<readonly Confinement[]> {
  const best = await findConfinement();
  const { prlimit, nice, files } = best;
  return [best, { kind: 'group', prlimit, nice, files, why: 'a test asked for it' }];
}
