import { crc32, deflateSync } from 'node:zlib';
import type { Crop } from './decision.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const RGB_8_BIT = [8, 2, 0, 0, 0];

/** A PNG (8-bit RGB) of raw `BGRX` pixels; the fourth byte is left out, for it means nothing. */
export function pngOf({ width, height, bgrx }: Crop): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set(RGB_8_BIT, 8);
  const rows = Buffer.alloc((1 + width * 3) * height);
  let to = 0;
  for (let y = 0; y < height; y += 1) {
    to += 1;
    for (let from = y * width * 4; from < (y + 1) * width * 4; from += 4) {
      rows[to] = bgrx[from + 2] ?? 0;
      rows[to + 1] = bgrx[from + 1] ?? 0;
      rows[to + 2] = bgrx[from] ?? 0;
      to += 3;
    }
  }
  const parts = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([SIGNATURE, ...parts]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
