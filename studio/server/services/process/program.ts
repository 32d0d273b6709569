import { constants, type BigIntStats } from 'node:fs';
import { access, open, readlink, realpath, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import {
  HubError,
  codeOf,
  needsOf,
  type CapabilityName,
  type JsonObject,
} from '@runtime-hub/plugin-sdk/contract';
import type { ServiceUse } from '@runtime-hub/kernel';

/** A file that may be run, as it was when it was looked at. */
export interface Program {
  /** As it was asked for. */
  readonly path: string;
  /** Without any symbolic link. */
  readonly real: string;
  readonly identity: string;
}

const MAX_FIRST_LINE = 256;

export const refused = (program: string, reason: string, cause?: unknown): HubError =>
  new HubError('PROCESS_REFUSED', { program, reason }, { cause });

/** Finds a program by its path. Throws PROCESS_REFUSED for what is not there, no regular file, or may not be run. */
export async function findProgram(path: string): Promise<Program> {
  if (!isAbsolute(path)) throw refused(path, 'its path is not absolute');
  try {
    const { real, identity } = await lookAt(path);
    if (identity === null) throw refused(path, 'it is no regular file');
    await access(real, constants.X_OK);
    if (process.platform === 'linux') await requireRunnable(path, real);
    return { path, real, identity };
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw refused(path, REASONS[codeOf(error) ?? ''] ?? 'it cannot be looked at', error);
  }
}

/** True while the path still leads to the very file that was found; a file that was moved away and back counts as another. */
export async function isUnchanged({ path, real, identity }: Program): Promise<boolean> {
  try {
    const now = await lookAt(path);
    return now.real === real && now.identity === identity;
  } catch {
    return false;
  }
}

/** Asks for the right to the real path too where a path has symbolic links. Throws CAPABILITY_DENIED and its like. */
export function permitReal(
  use: ServiceUse,
  capability: CapabilityName,
  args: JsonObject & { readonly program: string },
  real: string,
): void {
  if (real === args.program) return;
  for (const need of needsOf(capability, { ...args, program: real })) use.permit(need);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'it is not there',
  ELOOP: 'its links go in a circle',
  EACCES: 'it may not be run',
};

/** Of open(2): a handle for looking alone, also at what may not be read. */
const O_PATH = 0o10_000_000;

/** Where a path leads, and to what, at one and the same moment: between two looks a link may be put in the place of either. */
async function lookAt(path: string): Promise<{ real: string; identity: string | null }> {
  if (process.platform !== 'linux') {
    const real = await realpath(path);
    return { real, identity: identityOf(await stat(real, { bigint: true })) };
  }
  await using file = await open(path, O_PATH);
  const real = await readlink(`/proc/self/fd/${String(file.fd)}`);
  return { real, identity: identityOf(await file.stat({ bigint: true })) };
}

/** Device, file and the last time anything about it changed; null for what is no regular file. */
const identityOf = ({ dev, ino, ctimeNs, mode }: BigIntStats): string | null =>
  isFile(mode) ? `${dev}:${ino}:${ctimeNs}` : null;

const isFile = (mode: bigint): boolean =>
  (mode & BigInt(constants.S_IFMT)) === BigInt(constants.S_IFREG);

/** The system would hand a file of no known form to a shell (execvp(3)); here it is refused. */
async function requireRunnable(path: string, real: string): Promise<void> {
  const start = await firstBytes(real);
  if (start === null || start.startsWith('\u{7F}ELF')) return;
  if (!start.startsWith('#!'))
    throw refused(path, 'it is neither a binary nor names its interpreter');
  const interpreter = /^#![ \t]*([^\s]+)/u.exec(start)?.[1] ?? '';
  const found = isAbsolute(interpreter) && (await isRunnable(interpreter));
  if (!found) throw refused(path, 'its interpreter is not there');
}

/** Null for a file that may be run but not read. */
async function firstBytes(real: string): Promise<string | null> {
  try {
    await using file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FIRST_LINE), 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch (error) {
    if (codeOf(error) === 'EACCES') return null;
    throw error;
  }
}

const isRunnable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
