import { HubError, codeOf } from '@runtime-hub/plugin-sdk/contract';

/** Why the system refused, in words a user reads; codes of errno(3). */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'the hub’s user may not do that'],
  ['EPERM', 'the hub’s user may not do that'],
  ['EROFS', 'its file system cannot be changed'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk is full'],
  ['EFBIG', 'its file system takes no file so large'],
  ['ENAMETOOLONG', 'a name is too long'],
  ['EXDEV', 'the two places are on different file systems'],
  ['EINVAL', 'a folder cannot go into itself'],
  ['ENOTEMPTY', 'the folder is not empty'],
  ['EBUSY', 'something else is using it'],
  ['EAGAIN', 'something else is using it'],
  ['ETXTBSY', 'something else is using it'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open'],
  ['ELOOP', 'a part of it is a symbolic link'],
  ['ENOTDIR', 'a part of it is no folder'],
]);

export const refused = (path: string, reason: string): HubError =>
  new HubError('FILE_REFUSED', { path, reason });

/** What a failed system call on `path` becomes; its own text, which names other paths, stays behind as the cause. */
export function fileError(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === null) return error;
  if (code === 'ENOENT') return new HubError('FILE_NOT_FOUND', { path }, { cause: error });
  if (code === 'EEXIST') return new HubError('FILE_EXISTS', { path }, { cause: error });
  const reason = REASONS.get(code) ?? `the system said ${code}`;
  return new HubError('FILE_REFUSED', { path, reason }, { cause: error });
}

/** The errno name of a failed system call; null for any other error. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'syscall' in error ? codeOf(error) : null;
}
