import { definePlugin, type Operation, type ServeContext } from '@runtime-hub/plugin-sdk';
import type { ImageHandle, Reading } from '@runtime-hub/plugin-sdk/contract';
import { openEngine, packedFiles, type Engine } from './engine.ts';
import { findTextNode } from './nodes/find-text.ts';
import { readNumberNode } from './nodes/read-number.ts';
import { readTextNode } from './nodes/read-text.ts';
import { waitForTextNode } from './nodes/wait-for-text.ts';
import { findText, readNumber, readText, type Picture } from './reader.ts';

interface Request {
  readonly args: { readonly image: ImageHandle; readonly text?: string };
  readonly context: ServeContext;
}

let opened: Promise<Engine> | null = null;
const engine = async (): Promise<Engine> => await (opened ??= openEngine(packedFiles()));

async function pictureOf({ args: { image }, context }: Request): Promise<Picture> {
  const bgrx = await context.blobs.read(image.blob);
  if (bgrx.length !== image.width * image.height * 4)
    throw new Error('The picture is not as large as it says.');
  return { width: image.width, height: image.height, bgrx };
}

const operations: Readonly<Record<string, Operation>> = {
  'read-number': async (request: Request): Promise<Reading> =>
    readNumber(await engine(), await pictureOf(request)),
  'read-text': async (request: Request): Promise<Reading> =>
    readText(await engine(), await pictureOf(request)),
  'find-text': async (request: Request): Promise<{ found: Reading[] }> => ({
    found: findText(await engine(), await pictureOf(request), request.args.text),
  }),
};

export default definePlugin({
  id: 'core/ocr',
  version: '1.0.0',
  title: 'Read text',
  description: 'Reads numbers and text from pictures, on this machine, without a network.',
  engine: '>=0.1.0',
  runtime: 'process',
  permissions: [
    {
      capability: 'ocr.read',
      target: '*',
      reason: 'Its nodes read the pictures you connect to them.',
    },
    { capability: 'blobs', target: '*', reason: 'It opens the pictures that arrive.' },
    {
      capability: 'screen.capture',
      target: '*',
      reason: '“Wait for text” looks at the area you choose.',
    },
  ],
  provides: { 'ocr.read': operations },
  nodes: [readNumberNode, readTextNode, findTextNode, waitForTextNode],
});
