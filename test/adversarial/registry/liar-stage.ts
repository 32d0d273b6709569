import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryTree, leafHash, rootAt, type LogSigner } from '@runtime-hub/plugin-sdk/artifact';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { afterAll } from 'vitest';
import { RegistryClient, shortMemory } from '../../../registry/client/index.ts';
import { ORIGIN, makePublisher, openRegistry, publishOne } from '../../registry/open-registry.ts';
import { openLiar, type Lie } from '../../support/registry-liar.ts';

export const DAY_MS = 86_400_000;
export const at = await openRegistry();
const acme = await makePublisher(at, 'acme');
await publishOne(at, acme, 'ocr');
await publishOne(at, acme, 'pdf');
/** Who stands between the hub and the registry. */
export const liar = await openLiar(at.url);
const logKey = String((await at.ask('GET', '/v1/')).json.logKey);
/** The registry’s own key: the liar may be the registry itself. */
export const signer: LogSigner = {
  origin: ORIGIN,
  privateKey: createPrivateKey(readFileSync(join(at.folder, 'keys', 'log.pem'))),
};
afterAll(async () => {
  await liar[Symbol.asyncDispose]();
  await at[Symbol.asyncDispose]();
});

export interface Hub {
  readonly client: RegistryClient;
  /** The hub's clock, ahead of the registry's. */
  ahead: number;
}

export function openHub(url = liar.url): Hub {
  const hub = { ahead: 0 };
  const client = new RegistryClient({
    ...{ origin: ORIGIN, url, logKey, memory: shortMemory(), maxAgeMs: 7 * DAY_MS },
    now: () => at.clock.now() + hub.ahead,
  });
  return Object.assign(hub, { client });
}
export const catchUp = async ({ client }: Hub): Promise<void> =>
  await client.catchUp(async () => {});
const OCR = pluginId('acme/ocr');
export const OCR_PATH = '/v1/plugins/acme/ocr';

export async function fetchOcr({ client }: Hub): Promise<unknown> {
  const [version] = (await client.plugin(OCR)).versions;
  if (version === undefined) throw new Error('There is no version.');
  return await client.release(version);
}

/** A hub that has read the log, then is lied to on one path. */
export function lied(
  path: string,
  lie: Lie,
  act: (hub: Hub) => Promise<unknown> = catchUp,
  { fresh = false } = {},
): () => Promise<unknown> {
  return async () => {
    const hub = openHub();
    try {
      if (!fresh) await catchUp(hub);
      liar.lies.set(path, lie);
      return await act(hub);
    } finally {
      liar.lies.clear();
      hub.client[Symbol.dispose]();
    }
  };
}

/** A tree of the same size with other leaves. */
export function otherTree(size: number): Buffer {
  const tree = new MemoryTree();
  for (let leaf = 0; leaf < size; leaf++)
    tree.append(leafHash(Buffer.from(`other ${String(leaf)}`)));
  return rootAt(tree, size);
}
