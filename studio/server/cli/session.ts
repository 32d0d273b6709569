import { resolve } from 'node:path';
import { createClient, isHubRunning, type HubClient } from '../api/client.ts';
import { openHub } from '../hub.ts';
import { serveOwner } from '../serve.ts';
import { defaultDataFolder } from '../system.ts';

/** Options every command takes, for `parseArgs`. */
export const COMMON_OPTIONS = {
  data: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export interface Session extends AsyncDisposable {
  readonly client: HubClient;
  /** True when the hub was already running and goes on after this command. */
  readonly isShared: boolean;
}

/** Connects to the hub that uses the data folder; when none is running, starts one for the time of this command. */
export async function openSession(data: string | undefined): Promise<Session> {
  const folder = resolve(data ?? defaultDataFolder());
  const client = createClient(folder);
  if (await isHubRunning(folder)) {
    return { client, isShared: true, [Symbol.asyncDispose]: async () => await Promise.resolve() };
  }
  await using opened = new AsyncDisposableStack();
  const hub = opened.use(await openHub({ folder }));
  opened.use(await serveOwner(hub));
  const parts = opened.move();
  return { client, isShared: false, [Symbol.asyncDispose]: async () => await parts.disposeAsync() };
}
