import { definePlugin, type Operation, type ServeContext } from '@runtime-hub/plugin-sdk';
import type { ImageHandle } from '@runtime-hub/plugin-sdk/contract';
import { createEngine, type Engine } from './engine.ts';
import { findTextNode } from './nodes/find-text.ts';
import { readNumberNode } from './nodes/read-number.ts';
import { readTextNode } from './nodes/read-text.ts';
import { waitForTextNode } from './nodes/wait-for-text.ts';
import { findText, readNumber, readText, type Picture } from './reader.ts';
import { warmUp } from './warm-up.ts';

interface Request {
  readonly args: { readonly image: ImageHandle; readonly text?: string };
  readonly context: ServeContext;
}

let loading: Promise<Engine> | null = null;
/** Pictures of which it is remembered what they say. */
const MOST_KNOWN = 500;

let last: Promise<unknown> = Promise.resolve();

/** Loads and warms up the engine once; a load that failed is tried again at the next reading. */
function engine(): Promise<Engine> {
  loading ??= loadWarm().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function loadWarm(): Promise<Engine> {
  const loaded = await createEngine();
  await warmUp(loaded);
  return loaded;
}

/** One reading after the other: there is one engine. */
function operation<R>(
  use: (engine: Engine, picture: Picture, text?: string) => R,
): (request: Request) => Promise<R> {
  const known = new Map<string, R>();
  return ({ args, context }) => {
    const work = async (): Promise<R> => {
      context.signal.throwIfAborted();
      const { blob, width, height } = args.image;
      // The hub made the digest from the bytes: the same picture reads the same, whoever asks.
      const key = JSON.stringify([blob.sha256, width, height, args.text]);
      const before = known.get(key);
      if (before !== undefined) return before;
      const bytes = await context.blobs.read(blob);
      if (bytes.length < width * height * 4) throw new Error('The picture is cut short.');
      const read = use(await engine(), { bytes, width, height }, args.text);
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(key, read);
      return read;
    };
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

// Only in its host: where the manifest is derived there is no process and nothing to load.
if (globalThis.process?.versions.node !== undefined) void engine().catch(() => undefined);

const operations: Readonly<Record<string, Operation>> = {
  'read-number': operation(readNumber),
  'read-text': operation(readText),
  'find-text': operation((loaded, picture, text) => ({ found: findText(loaded, picture, text) })),
};

export default definePlugin({
  id: 'core/ocr',
  version: '1.0.0',
  title: 'OCR',
  description: 'Reads numbers and text in pictures, offline.',
  engine: '>=0.1.0',
  runtime: 'process',
  permissions: [
    { capability: 'ocr.read', target: '*', reason: 'Its nodes read pictures.' },
    { capability: 'blobs', target: '*', reason: 'The pictures to read are in the blob store.' },
    { capability: 'screen.capture', target: '*', reason: '“Wait for text” looks at the screen.' },
  ],
  provides: { 'ocr.read': operations },
  nodes: [readNumberNode, readTextNode, findTextNode, waitForTextNode],
});
