import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { endChild, firstLine, startChild } from './child.ts';

const SIZE = '1920x1080x24';

/** A screen of our own: an X server without hardware and a window manager. */
export interface VirtualDisplay extends AsyncDisposable {
  /** Such as `:99`. */
  readonly name: string;
}

/** Starts Xvfb (1920×1080) on a free display with openbox, and tells it its scale. Needs Debian's xvfb, openbox, x11-utils. */
export async function openVirtualDisplay(scale: number): Promise<VirtualDisplay> {
  await using opened = new AsyncDisposableStack();
  const args = ['-displayfd', '3', '-screen', '0', SIZE, '-nolisten', 'tcp', '-noreset'];
  const server = await start('Xvfb', args, process.env, ['ignore', 'ignore', 'ignore', 'pipe']);
  opened.adopt(server, endChild);
  // SAFETY: file descriptor 3 was opened as a pipe above, which makes it a readable stream.
  const answers = server.stdio[3] as Readable;
  const name = `:${await firstLine(answers, 'Xvfb', (line) => line.length > 0)}`;
  const env = { ...process.env, DISPLAY: name };
  await tellScale(env, scale);
  // Openbox runs the startup command once it manages windows.
  const managerArgs = ['--sm-disable', '--startup', 'echo ready'];
  const manager = await start('openbox', managerArgs, env, ['ignore', 'pipe', 'ignore']);
  opened.adopt(manager, endChild);
  if (manager.stdout !== null) await firstLine(manager.stdout, 'openbox', (it) => it === 'ready');
  const parts = opened.move();
  return { name, [Symbol.asyncDispose]: async () => await parts.disposeAsync() };
}

async function tellScale(env: NodeJS.ProcessEnv, scale: number): Promise<void> {
  const resources = `Xft.dpi:\t${String(96 * scale)}\n`;
  const args = ['-root', '-f', 'RESOURCE_MANAGER', '8s', '-set', 'RESOURCE_MANAGER', resources];
  const setting = await start('xprop', args, env, ['ignore', 'ignore', 'ignore']);
  if (setting.exitCode === null) await once(setting, 'exit');
}

async function start(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdio: readonly ('pipe' | 'ignore')[],
): ReturnType<typeof startChild> {
  try {
    return await startChild(program, args, { env, stdio });
  } catch (cause) {
    const message = `${program} could not be started; npm run demo installs what it needs`;
    throw new HubError('SCREEN_UNAVAILABLE', { message }, { cause });
  }
}
