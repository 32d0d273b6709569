import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

export interface CopyRequest {
  readonly id: number;
  readonly from: Uint8Array | { readonly fd: number; readonly sizeBytes: number };
  readonly to: string;
}

/** `sha256` is hex. */
export interface Copied {
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface CopyAnswer {
  readonly id: number;
  /** Null when it failed; `failed` then says why. */
  readonly copied: Copied | null;
  readonly failed: string;
}

const buffer = new Uint8Array(262_144);

parentPort?.on('message', ({ id, from, to }: CopyRequest) => {
  try {
    say({ id, copied: copy(from, to), failed: '' });
  } catch (error) {
    say({ id, copied: null, failed: error instanceof Error ? error.message : String(error) });
  }
});

const say = (answer: CopyAnswer): void => parentPort?.postMessage(answer);

function copy(from: CopyRequest['from'], to: string): Copied {
  const hash = createHash('sha256');
  const out = openSync(to, 'wx', 0o400);
  let sizeBytes = 0;
  try {
    for (const piece of from instanceof Uint8Array ? [from] : piecesOf(from)) {
      hash.update(piece);
      for (let at = 0; at < piece.length;) at += writeSync(out, piece, at);
      sizeBytes += piece.length;
    }
  } finally {
    closeSync(out);
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** Each is overwritten by the next. */
function* piecesOf({ fd, sizeBytes }: { fd: number; sizeBytes: number }): Generator<Uint8Array> {
  for (let at = 0; at < sizeBytes;) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, sizeBytes - at), at);
    if (count === 0) return;
    at += count;
    yield buffer.subarray(0, count);
  }
}
