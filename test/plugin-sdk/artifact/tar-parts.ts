import { readArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { gunzipSync, gzipSync } from 'node:zlib';
import { HubError } from '@runtime-hub/plugin-sdk/contract';

export const BLOCK = 512;

/** Raw text or bytes per header field; what is absent is as the packer writes it. The checksum is made last. */
export interface EntryParts {
  readonly name?: string | Buffer;
  readonly mode?: string;
  readonly uid?: string;
  readonly size?: string | Buffer;
  readonly type?: string;
  readonly linkName?: string;
  readonly magic?: string;
  readonly prefix?: string;
  readonly checksum?: string;
  readonly bytes?: string | Buffer;
}

/** One entry of a ustar archive, right or wrong as told: header, bytes, zero padding. */
export function entry(parts: EntryParts = {}): Buffer {
  const bytes = Buffer.from(parts.bytes ?? 'x');
  const header = Buffer.alloc(BLOCK);
  const put = (value: string | Buffer, at: number, length: number): number =>
    Buffer.from(value).copy(header, at, 0, length);
  put(parts.name ?? 'package/a.txt', 0, 100);
  put(parts.mode ?? '0000644\0', 100, 8);
  put(parts.uid ?? '0000000\0', 108, 8);
  put('0000000\0', 116, 8);
  put(parts.size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`, 124, 12);
  put('00000000000\0', 136, 12);
  put(parts.type ?? '0', 156, 1);
  put(parts.linkName ?? '', 157, 100);
  put(parts.magic ?? 'ustar\u000000', 257, 8);
  put(parts.prefix ?? '', 345, 155);
  put(parts.checksum ?? checksumOf(header), 148, 8);
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

/** Six octal digits, NUL, space: the sum over a header whose own checksum counts as spaces. */
export function checksumOf(header: Buffer): string {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  return `${sum.toString(8).padStart(6, '0')}\0 `;
}

/** The entries with the two zero blocks that end an archive. */
export function archive(...entries: readonly Buffer[]): Buffer {
  return Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]);
}

/** As the packer does it: no name, no time, unknown system. */
export function gzip(bytes: Buffer): Buffer {
  const packed = gzipSync(bytes);
  packed[9] = 255;
  return packed;
}

export function tarOf(packed: Uint8Array): Buffer {
  return gunzipSync(packed);
}

/** What a refusal says: code, and for a malformed artifact the rule. A plain Error goes on its way. */
export function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (HubError.is(error, 'ARTIFACT_MALFORMED')) return `${error.code}: ${error.data.rule}`;
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return 'accepted';
}

/** What the reader says to an archive, well packed. */
export const read = (tar: Buffer): string => refusalOf(() => readArtifact(gzip(tar)));
export const readOne = (parts: EntryParts): string => read(archive(entry(parts)));
