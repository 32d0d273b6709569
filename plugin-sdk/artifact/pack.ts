import { constants, gzipSync } from 'node:zlib';
import { BLOCK, PREFIX } from './ustar.ts';

/**
 * Packs files (path → bytes) into an artifact: gzip of a POSIX ustar archive (IEEE 1003.1-2017, pax) of regular files
 * under `package/`, sorted by path, owner 0, mode 0644, time 0. The same files always give the same bytes.
 */
export function packArtifact(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const paths = [...files.keys()].sort();
  const blocks = paths.flatMap((path) => entryOf(path, files.get(path) ?? new Uint8Array()));
  const archive = Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
  const packed = gzipSync(archive, { level: constants.Z_BEST_COMPRESSION });
  // RFC 1952: byte 9 names the operating system that packed; 255 is "unknown" and so the same everywhere.
  packed[9] = 255;
  return packed;
}

function entryOf(path: string, bytes: Uint8Array): Buffer[] {
  const header = Buffer.alloc(BLOCK);
  const name = PREFIX + path;
  if (Buffer.byteLength(name) > 100)
    throw new Error(`The path ${path} is too long for an artifact.`);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
  return [header, Buffer.from(bytes), padding];
}
