import { lstat, opendir } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import type { Static } from 'typebox';
import {
  HubError,
  type BlobHandle,
  type Json,
  type ReadOperations,
} from '@runtime-hub/plugin-sdk/contract';
import type { Caller, ServiceUse } from '@runtime-hub/kernel';
import { MAX_FILE_BYTES, readAll } from './contents.ts';
import { refused, systemCode } from './file-errors.ts';
import { parsePath } from './file-path.ts';
import type { Pinned, Walk } from './walk.ts';

type Args<O extends 'read' | 'list' | 'stat'> = Static<(typeof ReadOperations)[O]['args']>;

const MAX_TEXT_BYTES = 524_288;
/** As JSON, so that what a plugin gets fits a frame. */
const MAX_ANSWER_BYTES = 917_504;
/** So many names are looked at in a folder; one with more is given in part. */
const MAX_NAMES = 100_000;
const DEFAULT_LIMIT = 1000;
/** So many entries are looked at together. */
const AT_ONCE = 8;

export interface Reading {
  readonly walk: Walk;
  readonly keepBlob: (bytes: Buffer, mime: string, caller: Caller) => Promise<BlobHandle>;
}

/** The operation `read`. */
export async function readFile(
  { walk, keepBlob }: Reading,
  { path: text, keep, maxBytes }: Args<'read'>,
  { caller, signal }: ServiceUse,
): Promise<Json> {
  await using file = await existing(walk, text);
  const most = keep === 'text' ? MAX_TEXT_BYTES : MAX_FILE_BYTES;
  const limit = Math.min(maxBytes ?? most, most);
  const bytes = await readAll(file, { text, maxBytes: limit, signal });
  const about = { sizeBytes: bytes.length, modifiedAt: modifiedAt(file.stats) };
  if (keep === 'text') return { ...about, text: decode(bytes, text) };
  return { ...about, blob: await keepBlob(bytes, 'application/octet-stream', caller) };
}

function decode(bytes: Buffer, path: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const reason = 'it is no UTF-8 text; it can be kept as a blob';
    throw new HubError('FILE_REFUSED', { path, reason }, { cause });
  }
  if (jsonBytes(text) <= MAX_ANSWER_BYTES) return text;
  throw new HubError('FILE_TOO_LARGE', { path, maxBytes: MAX_TEXT_BYTES });
}

/** The operation `stat`. */
export async function statFile(walk: Walk, { path: text }: Args<'stat'>): Promise<Json> {
  try {
    await using found = await walk.find(parsePath(text), 'link');
    return found === null ? null : about(found.stats);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The operation `list`. */
export async function listFolder(
  walk: Walk,
  { path: text, limit = DEFAULT_LIMIT }: Args<'list'>,
  { signal }: ServiceUse,
): Promise<Json> {
  await using folder = await existing(walk, text);
  if (!folder.stats.isDirectory()) throw refused(text, 'it is no folder');
  const { names, isWhole } = await namesIn(folder, signal);
  const entries: Json[] = [];
  let sizeBytes = 0;
  for (let at = 0; at < names.length; at += AT_ONCE) {
    signal.throwIfAborted();
    for (const entry of await entriesOf(folder, names.slice(at, at + AT_ONCE))) {
      sizeBytes += jsonBytes(entry) + 1;
      if (entries.length === limit || sizeBytes > MAX_ANSWER_BYTES)
        return { entries, truncated: true };
      entries.push(entry);
    }
  }
  return { entries, truncated: !isWhole };
}

/** Without what went while the folder was listed, and what has a name that is no text. */
async function entriesOf(folder: Pinned, names: readonly string[]): Promise<readonly Json[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const stats = await lstat(folder.at(name), { bigint: true }).catch(gone);
      return stats === null ? [] : [{ name, ...about(stats) }];
    }),
  );
  return found.flat();
}

async function namesIn(
  folder: Pinned,
  signal: AbortSignal,
): Promise<{ readonly names: readonly string[]; readonly isWhole: boolean }> {
  const names: string[] = [];
  for await (const { name } of await opendir(folder.at(), { bufferSize: 256 })) {
    signal.throwIfAborted();
    if (names.length === MAX_NAMES) return { names: names.sort(), isWhole: false };
    names.push(name);
  }
  return { names: names.sort(), isWhole: true };
}

function gone(error: unknown): null {
  if (systemCode(error) === 'ENOENT') return null;
  throw error;
}

async function existing(walk: Walk, text: string): Promise<Pinned> {
  const found = await walk.find(parsePath(text));
  if (found === null) throw new HubError('FILE_NOT_FOUND', { path: text });
  return found;
}

const modifiedAt = ({ mtimeNs }: BigIntStats): number => Number(mtimeNs / 1000n) / 1000;

function about(stats: BigIntStats) {
  return { kind: kindOf(stats), sizeBytes: Number(stats.size), modifiedAt: modifiedAt(stats) };
}

function kindOf(stats: BigIntStats): 'file' | 'folder' | 'link' | 'other' {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

const jsonBytes = (value: Json): number => Buffer.byteLength(JSON.stringify(value));
