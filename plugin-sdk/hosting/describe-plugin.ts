import { FrameError, HubError, pluginId, type Json, type Runtime } from '../contract/index.ts';
import { Channel } from './channel.ts';
import type { Clock, Launcher } from './ports.ts';

/** Time a plugin has to say what it is: as long as a host has for its plugin when it starts. */
const PATIENCE_MS = 10_000;
const NOBODY = pluginId('hub/pack');
const LIMITS = { memoryMb: 256, entryMs: 200, openFiles: 128, processes: 1 } as const;

const clock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/**
 * The manifest that the plugin in `folder` declares when it is loaded in a jail, where it can do no more than when it is
 * installed. What comes back is unchecked JSON. Throws JAIL_UNAVAILABLE or HOST_LOAD_FAILED.
 */
export async function describePlugin(
  launcher: Launcher,
  runtime: Runtime,
  folder: string,
): Promise<Json> {
  const spec = { host: 'pack', runtime, plugin: { folder }, blobs: null, limits: LIMITS };
  const process = await launcher.launch(spec);
  const { promise: broken, reject } = Promise.withResolvers<never>();
  const fail = (message: string): void =>
    reject(new HubError('HOST_LOAD_FAILED', { plugin: 'the plugin', message }));
  const channel = new Channel(process, {
    clock,
    graceMs: 0,
    plugin: () => NOBODY,
    lend: () => undefined,
    admit: () => undefined,
    onClosed: () => undefined,
    onFrame: ({ t }) => {
      if (t !== 'hello' && t !== 'log') throw new FrameError(`a ${t} while it was loaded`);
    },
    onBroken: (how) => fail('detail' in how ? how.detail : 'its code did not end in time'),
  });
  void process.ended.then(() => fail('its process ended while it was loaded'));
  process.logs.resume();
  const { memoryMb, entryMs } = LIMITS;
  const load = { t: 'load', plugin: NOBODY, source: '', last: true, memoryMb, entryMs } as const;
  const frame = (id: number) => ({ ...load, id });
  try {
    const loaded = channel.ask({ frame, deadlineMs: PATIENCE_MS, signal: null });
    return manifestIn(await Promise.race([loaded, broken]));
  } finally {
    channel.end(new HubError('STEP_CANCELLED', { reason: 'it was only described' }));
    process.kill();
    await process.ended;
  }
}

function manifestIn(loaded: Json): Json {
  if (typeof loaded !== 'object' || loaded === null || !('manifest' in loaded)) return null;
  // SAFETY: an object with that key.
  return (loaded as { readonly manifest: Json }).manifest;
}
