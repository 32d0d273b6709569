import type { PluginDefinition } from '../author/define.ts';
import { manifestOf } from '../author/manifest-of.ts';
import type { HubFrame } from '../contract/index.ts';
import { isolateAbortController } from './abort.ts';
import { PluginCode } from './plugin-code.ts';
import type { CodePorts } from './scope.ts';
import { coded, thrown } from './scope.ts';

/** Bytes of the longest text that leaves the isolate; the host drops the plugin on a longer one. */
const MAX_SEND = 1_000_000;
const MOST_BYTES_A_CHARACTER = 3;

interface Timer {
  readonly t: 'reply';
  readonly timer: number;
}

/**
 * Starts the trusted half inside the isolate, in a context of its own, so that nothing plugin code patches is used here.
 * Returns the only entry: it takes a JSON array of frames as text.
 */
export function bootstrap(
  send: (text: string) => void,
  namespace: { readonly default?: PluginDefinition },
): (text: string) => void {
  const timers = new Map<number, () => void>();
  let nextTimer = 1;
  const ports: CodePorts = {
    send: (text) => {
      send(isTooLong(text) ? tooLong(text) : text);
    },
    after: (ms, fn) => {
      const timer = nextTimer++;
      timers.set(timer, fn);
      send(JSON.stringify({ t: 'timer', timer, ms }));
    },
    abortController: isolateAbortController,
    blobs: () => ({ read: noBlobs, write: noBlobs }),
  };
  const code = load(namespace, send, ports);
  return (text) => {
    // SAFETY: only the host calls this, with frames it has parsed.
    for (const frame of JSON.parse(text) as readonly (HubFrame | Timer)[]) {
      if (!('timer' in frame)) {
        code?.receive(frame);
        continue;
      }
      const fn = timers.get(frame.timer);
      timers.delete(frame.timer);
      fn?.();
    }
  };
}

function load(
  namespace: { readonly default?: PluginDefinition },
  send: (text: string) => void,
  ports: CodePorts,
): PluginCode | null {
  try {
    const definition = namespace.default;
    if (definition === undefined) throw new Error('plugin.js has no default export');
    const code = new PluginCode(definition, ports);
    send(JSON.stringify({ t: 'loaded', manifest: manifestOf(definition) }));
    return code;
  } catch (error) {
    send(JSON.stringify({ t: 'refused', message: thrown(error)['message'] }));
    return null;
  }
}

/** Counts bytes of UTF-8 only where there may be too many. */
function isTooLong(text: string): boolean {
  if (text.length > MAX_SEND) return true;
  if (text.length * MOST_BYTES_A_CHARACTER <= MAX_SEND) return false;
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // Two halves of a pair take four bytes and count as six: rather too much than too little.
    bytes += code < 0x80 ? 1 : code < 0x8_00 ? 2 : 3;
  }
  return bytes > MAX_SEND;
}

/** The reply that stands in for one too long to send. */
function tooLong(text: string): string {
  const id = /^\{"t":"reply","id":([0-9]+),/u.exec(text)?.[1];
  const message = 'what the plugin gave is larger than a frame may be';
  const error = { code: 'STEP_FAILED', message, data: null };
  if (id !== undefined)
    return `{"t":"reply","id":${id},"ok":false,"error":${JSON.stringify(error)}}`;
  throw coded('STEP_FAILED', message, null);
}

function noBlobs(): Promise<never> {
  return Promise.reject(
    coded('STEP_FAILED', 'an isolate reads and writes no blobs; use a process plugin', null),
  );
}
