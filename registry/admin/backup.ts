import { copyFile, cp, link, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { digestOf } from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { requireAdmin } from '../auth/index.ts';
import { openBlobs } from '../blobs/index.ts';
import { jsonReply } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import { DATABASE_FILE } from '../store/index.ts';

const BLOB_LIST = 'blobs.txt';
/** Keys of the log and of the root of trust. */
const KEY_FOLDERS = ['keys', 'tuf'] as const;

export function backupRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.post('/v1/admin/backup', async (context) => {
    const caller = parts.caller(context);
    requireAdmin(caller);
    parts.audit({ actor: caller.actor, act: 'backup', target: 'registry', detail: '' });
    return jsonReply(await backUp(parts), 201);
  });
  return app;
}

/**
 * Writes a whole backup below the data folder while the registry serves: the database as of one moment, keys, a list of
 * blobs and the blobs, as further names of the same files where the disk allows. Whoever holds it holds the log's key.
 */
async function backUp({
  folder,
  store,
  blobs,
  clock,
}: Parts): Promise<{ readonly name: string; readonly blobs: number }> {
  const name = new Date(clock.now()).toISOString().replace(/[:.]/gu, '-');
  const to = join(folder, 'backups', name);
  await mkdir(join(to, 'blobs'), { recursive: true, mode: 0o700 });
  // First, so that each blob it names is there; what is published after is not in it.
  const digests = store.versions.digests();
  store.copyTo(join(to, DATABASE_FILE));
  for (const keys of KEY_FOLDERS) await cp(join(folder, keys), join(to, keys), { recursive: true });
  for (const digest of digests) await shareFile(blobs.fileOf(digest), join(to, 'blobs', digest));
  // Last: a backup without it is not whole.
  await writeFile(join(to, BLOB_LIST), digests.map((it) => `${it}\n`).join(''), { flush: true });
  return { name, blobs: digests.length };
}

async function shareFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(async () => await copyFile(from, to));
}

/**
 * Makes a data folder of a backup. Throws REGISTRY_BACKUP_REFUSED when the folder is in use or the backup is not whole.
 * Clients that saw a later checkpoint will refuse the restored log until it has grown past that: they cannot tell a restore
 * from a registry that hides what it logged.
 */
export async function restore(backup: string, folder: string): Promise<number> {
  const refuse = (reason: string): HubError => new HubError('REGISTRY_BACKUP_REFUSED', { reason });
  if (!existsSync(join(backup, BLOB_LIST))) throw refuse('it is not whole');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) throw refuse('the data folder is not empty');
  const digests = (await readFile(join(backup, BLOB_LIST), 'utf8'))
    .split('\n')
    .filter((it) => it !== '');
  const blobs = await openBlobs(join(folder, 'blobs'));
  for (const digest of digests) {
    const bytes = await readFile(join(backup, 'blobs', digest)).catch(() => null);
    if (bytes === null || digestOf(bytes) !== digest) throw refuse('a blob is missing or changed');
    await blobs.put(digest, bytes);
  }
  for (const keys of KEY_FOLDERS)
    await cp(join(backup, keys), join(folder, keys), { recursive: true });
  await copyFile(join(backup, DATABASE_FILE), join(folder, DATABASE_FILE));
  return digests.length;
}
