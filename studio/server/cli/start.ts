import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { openHub } from '../hub.ts';
import { serveOwner, serveStatus } from '../serve.ts';
import { defaultDataFolder } from '../system.ts';
import { HUB_VERSION } from '../version.ts';
import { usage, type Command } from './output.ts';
import { COMMON_OPTIONS } from './session.ts';

const HELP = `hub start [--port 3000] [--dev] [--data <folder>] [--json]

Starts the hub and keeps it running until Ctrl+C. Its status page is at http://127.0.0.1:<port>/.
Open runs of the last time are resumed. --port 0 takes a free port. --dev lets a developer who owns the data folder load
plugins that nobody signed (hub-plugin dev); they are shown as UNSIGNED and are gone when the hub stops.`;

export const startCommand: Command = {
  name: 'start',
  summary: 'start the hub and keep it running',
  help: HELP,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        port: { type: 'string', default: '3000' },
        dev: { type: 'boolean', default: false },
      },
    });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw usage('--port', values.port, 'Give a number from 0 to 65535.');
    }
    const folder = resolve(values.data ?? defaultDataFolder());
    await using hub = await openHub({ folder, dev: values.dev });
    await using owner = await serveOwner(hub);
    await using status = await serveStatus(hub, port).catch((error: unknown) => {
      throw portError(error, port);
    });
    const url = `http://127.0.0.1:${String(status.port)}/`;
    const readyMs = Math.round(performance.now());
    if (values.json) console.log(JSON.stringify({ url, folder, version: HUB_VERSION, readyMs }));
    else
      console.log(
        `Runtime Hub ${HUB_VERSION} is ready at ${url} (${String(readyMs)} ms; data in ${folder}). Ctrl+C stops it.`,
      );
    await Promise.race([owner.stopped, interrupted()]);
    return 0;
  },
};

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export async function interrupted(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function portError(error: unknown, port: number): unknown {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  if (!isTaken) return error;
  return new HubError('HUB_REQUEST_INVALID', {
    field: '--port',
    value: String(port),
    cure: 'Something else uses that port; choose another with --port, or --port 0 for a free one.',
  });
}
