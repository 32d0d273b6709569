import { createHash } from 'node:crypto';
import { crc32, inflateRawSync } from 'node:zlib';
import { broken, readArchive } from './ustar.ts';

const MAX_PACKED_BYTES = 20 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const GZIP_HEADER_BYTES = 10;
const GZIP_TRAILER_BYTES = 8;

export interface Artifact {
  /** Path without `package/` → bytes, in the artifact's order. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** `sha512-<hex>` of the packed bytes. */
  readonly digest: string;
}

/**
 * Reads an artifact in memory, strictly: one gzip member (RFC 1952) without name, comment or extra field, holding
 * regular files only. Throws ARTIFACT_MALFORMED with the rule that was broken. Writes nothing.
 */
export function readArtifact(packed: Uint8Array): Artifact {
  if (packed.length > MAX_PACKED_BYTES) throw broken('size', 'it is over 20 MB packed');
  return { files: readArchive(unzip(Buffer.from(packed))), digest: digestOf(packed) };
}

/** `sha512-<hex>` of some bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha512-${createHash('sha512').update(bytes).digest('hex')}`;
}

/** Lower-case hex SHA-256 of some bytes. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function unzip(packed: Buffer): Buffer {
  const isGzip =
    packed.length > GZIP_HEADER_BYTES + GZIP_TRAILER_BYTES && packed.readUInt32BE(0) === 0x1f8b0800;
  if (!isGzip) throw broken('gzip', 'it is not a plain gzip file');
  const body = packed.subarray(GZIP_HEADER_BYTES);
  let unpacked: Buffer;
  let used: number;
  try {
    // SAFETY: with `info` zlib gives the buffer and the engine that read it.
    const result = inflateRawSync(body, {
      maxOutputLength: MAX_UNPACKED_BYTES,
      info: true,
    }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    unpacked = result.buffer;
    used = result.engine.bytesWritten;
  } catch (error) {
    const isTooLarge =
      error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge
      ? broken('size', 'it is over 64 MB unpacked')
      : broken('gzip', 'it is damaged');
  }
  const trailer = body.subarray(used);
  if (trailer.length !== GZIP_TRAILER_BYTES) throw broken('gzip', 'there are bytes after its end');
  if (trailer.readUInt32LE(4) !== unpacked.length)
    throw broken('gzip', 'its length does not add up');
  if (trailer.readUInt32LE(0) !== crc32(unpacked))
    throw broken('gzip', 'its checksum does not add up');
  return unpacked;
}
