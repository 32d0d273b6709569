import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobHandle } from '../contract/index.ts';
import { HubError } from '../contract/index.ts';
import type { Call } from './scope.ts';

const BLOB_ID = /^[0-9a-f]{32}$/u;

/** `context.blobs` over the two folders the hub shares with a host; they are in memory, so no thread of the pool is woken. Rejects with BLOB_NOT_FOUND for a blob that was not shared. */
export function blobFiles(call: Call, env: NodeJS.ProcessEnv) {
  return {
    read: async ({ $blob }: BlobHandle): Promise<Uint8Array> => {
      const folder = env['HUB_BLOBS_IN'];
      if (folder === undefined || !BLOB_ID.test($blob))
        throw new HubError('BLOB_NOT_FOUND', { blob: $blob });
      try {
        return await Promise.resolve(readFileSync(join(folder, $blob)));
      } catch (cause) {
        throw new HubError('BLOB_NOT_FOUND', { blob: $blob }, { cause });
      }
    },
    write: async (bytes: Uint8Array, mime: string): Promise<BlobHandle> => {
      const folder = env['HUB_BLOBS_OUT'];
      if (folder === undefined) throw new HubError('STEP_FAILED', { message: 'no blob folder' });
      const file = randomBytes(16).toString('hex');
      writeFileSync(join(folder, file), bytes);
      // SAFETY: the hub's blob service answers `put` with a BlobHandle.
      return (await call('blobs', 'put', { file, mime })) as unknown as BlobHandle;
    },
  };
}
