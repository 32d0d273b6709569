import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export const HELP = `registry — a registry of plugins: publishing, search, transparency log

Usage: npm run registry -- [options]

  --port <n>        default 3100; 0 takes a free one
  --host <address>  default 127.0.0.1. Anything but loopback also needs --expose
  --expose          serve beyond this machine. Put TLS in front of it
  --data <folder>   default ~/.runtime-hub-registry
  --origin <name>   the registry's name, part of its log for ever; set at the first start (default 127.0.0.1:3100)
  --reads-per-minute <n>      per address; default no limit on loopback, else 6000
  --publishes-per-minute <n>  per token; default 600
  --restore <backup>  fill an empty data folder from a backup first
  --new-admin-token print a further admin token, for when the first was lost
  --help

The first start prints an admin token, once. Log lines are JSON on standard output.
Exit codes: 0 stopped as asked · 1 it failed · 2 the command line was wrong`;

export interface Options {
  readonly port: number;
  readonly host: string;
  readonly folder: string;
  readonly origin: string | null;
  readonly readsPerMinute: number | null;
  readonly publishesPerMinute: number;
  readonly newAdminToken: boolean;
  /** Folder of a backup; null for none. */
  readonly restore: string | null;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** What the command line asks; a text tells what is wrong with it. */
export function parseOptions(
  args: readonly string[],
): Options | 'help' | { readonly problem: string } {
  try {
    return optionsOf(read(args));
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'it cannot be read' };
  }
}

const read = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '3100' },
      host: { type: 'string', default: '127.0.0.1' },
      expose: { type: 'boolean', default: false },
      data: { type: 'string', default: join(homedir(), '.runtime-hub-registry') },
      origin: { type: 'string' },
      'reads-per-minute': { type: 'string' },
      'publishes-per-minute': { type: 'string', default: '600' },
      'new-admin-token': { type: 'boolean', default: false },
      restore: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values;

function optionsOf(values: ReturnType<typeof read>): Options | 'help' {
  if (values.help) return 'help';
  const { host, origin = null } = values;
  const isLoopback = LOOPBACK.has(host);
  if (!isLoopback && !values.expose)
    throw new Error(`--host ${host} is not loopback; add --expose if you mean it`);
  if (origin !== null && !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$/u.test(origin))
    throw new Error('--origin is no host name');
  const reads = values['reads-per-minute'];
  return {
    port: countOf(values.port, '--port', 65_535),
    host,
    folder: values.data,
    origin,
    readsPerMinute:
      reads === undefined ? (isLoopback ? null : 6000) : countOf(reads, '--reads-per-minute', 1e9),
    publishesPerMinute: countOf(values['publishes-per-minute'], '--publishes-per-minute', 1e9),
    newAdminToken: values['new-admin-token'],
    restore: values.restore ?? null,
  };
}

function countOf(text: string, name: string, highest: number): number {
  const count = /^[0-9]{1,10}$/u.test(text) ? Number(text) : Number.NaN;
  if (count <= highest) return count;
  throw new Error(`${name} takes a whole number up to ${String(highest)}`);
}
