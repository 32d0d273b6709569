import { createPublicKey } from 'node:crypto';
import { HubError } from '../../contract/index.ts';
import { logId, openNote, signNote, type LogKey, type LogSigner } from './note.ts';

/** What a log says of itself at one moment. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** When it was signed, by the log's clock; the log signs anew while idle, so that holding news back shows. */
  readonly at: number;
}

const HASH_BYTES = 32;
const SIZE = /^(0|[1-9][0-9]{0,15})$/u;
const ROOT = /^[A-Za-z0-9+/]{43}=$/u;
const TIMESTAMP = /^Timestamp: ([1-9][0-9]{0,15})$/u;

/** A C2SP tlog-checkpoint with the extension line `Timestamp: <ms since 1970>`, as a signed note. */
export function signCheckpoint(
  { size, root, at }: Pick<Checkpoint, 'size' | 'root' | 'at'>,
  log: LogSigner,
): string {
  const lines = [log.origin, String(size), root.toString('base64'), `Timestamp: ${String(at)}`];
  const id = logId({ origin: log.origin, publicKey: createPublicKey(log.privateKey) });
  return signNote(`${lines.join('\n')}\n`, log, id);
}

/**
 * The checkpoint, once this log's key is found to have signed it. Throws LOG_ORIGIN_MISMATCH, LOG_KEY_MISMATCH,
 * LOG_CHECKPOINT_MALFORMED or LOG_CHECKPOINT_FORGED.
 */
export function openCheckpoint(note: string, key: LogKey): Checkpoint {
  const named = note.slice(0, Math.max(0, note.indexOf('\n')));
  if (named !== '' && named !== key.origin)
    throw new HubError('LOG_ORIGIN_MISMATCH', {
      expected: key.origin,
      actual: named.slice(0, 253),
    });
  return parseCheckpoint(openNote(note, key), key.origin);
}

function parseCheckpoint(text: string, origin: string): Checkpoint {
  const [, size = '', root = '', ...extensions] = text.slice(0, -1).split('\n');
  const times = extensions.flatMap((line) => TIMESTAMP.exec(line)?.[1] ?? []);
  const [time] = times;
  const checkpoint = {
    origin,
    size: Number(size),
    root: Buffer.from(root, 'base64'),
    at: Number(time),
  };
  const isWhole = SIZE.test(size) && ROOT.test(root) && checkpoint.root.length === HASH_BYTES;
  const isSafe = Number.isSafeInteger(checkpoint.size) && Number.isSafeInteger(checkpoint.at);
  if (isWhole && isSafe && times.length === 1) return checkpoint;
  throw new HubError('LOG_CHECKPOINT_MALFORMED', { origin, detail: 'its size, root or timestamp' });
}
