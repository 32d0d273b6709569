import { unfit, type HubError } from '@runtime-hub/plugin-sdk/contract';

/** A path as plugins write it. Each file has one such name only: below the home `~/…`, anywhere else from the root. */
export interface FilePath {
  /** As the plugin gave it; the only form that an error may tell. */
  readonly text: string;
  readonly base: 'home' | 'root';
  readonly parts: readonly string[];
}

/** Throws STEP_INPUT_INVALID for what is not absolute or `~/…`, or has a part that does not name itself. */
export function parsePath(text: string, at = 'path'): FilePath {
  const isHome = text === '~' || text.startsWith('~/');
  if (!isHome && !text.startsWith('/')) throw noPath(at);
  const rest = text.slice(isHome ? 2 : 1);
  const parts = rest === '' ? [] : rest.split('/');
  if (parts.length === 0 && text.length > 1) throw noPath(at);
  if (!parts.every(isPlain)) throw noPath(at);
  return { text, base: isHome ? 'home' : 'root', parts };
}

const isPlain = (part: string): boolean =>
  part !== '' && part !== '.' && part !== '..' && !/[\\\p{Cc}]/u.test(part);

function noPath(at: string): HubError {
  const cure = 'Give it whole: from “/” or “~/”, without “.”, “..”, “\\” and control characters.';
  return unfit(`/${at}`, 'is no path of a file', cure);
}
