import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

export interface Entry {
  path: string;
  bytes: Buffer;
  type: string;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function entriesOf(archive: Buffer): Entry[] {
  const entries: Entry[] = [];
  let long: string | null = null;
  for (let at = 0; archive[at] !== 0;) {
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8);
    const type = String.fromCharCode(archive[at + 156] ?? 0);
    const bytes = archive.subarray(at + 512, at + 512 + size);
    const name = archive.toString('latin1', at, at + 100).replace(/\0.*$/su, '');
    at += 512 + Math.ceil(size / 512) * 512;
    if (type === 'x')
      long = bytes
        .toString()
        .replace(/^\d+ path=/u, '')
        .trimEnd();
    else entries.push({ path: long ?? name, bytes, type });
    if (type !== 'x') long = null;
  }
  return entries;
}

function blocksOf({ path, bytes, type }: Entry): Buffer {
  const body = ` path=${path}\n`;
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length += 1;
  const pax = Buffer.from(`${String(length)}${body}`);
  const parts = path.length > 100 ? [blockOf('pax', pax, 'x')] : [];
  return Buffer.concat([...parts, blockOf(path.slice(0, 100), bytes, type)]);
}

function blockOf(name: string, bytes: Buffer, type: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export const find = (entries: Entry[], pattern: RegExp): Entry => {
  const found = entries.find(({ path }) => pattern.test(path));
  if (found === undefined) throw new Error('There is no such file in it.');
  return found;
};
export const flipped = (bytes: Buffer, at = bytes.length >> 1): Buffer => {
  const other = Buffer.from(bytes);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
};

/** Takes an archive apart, lets a test change it, and puts it together so that its own list fits again. */
export function forge(
  { file, target }: { readonly file: string; readonly target: string },
  change: (
    entries: Entry[],
    list: { files: Record<string, string> } & Record<string, unknown>,
  ) => void,
  { relist = true } = {},
): string {
  const entries = entriesOf(readFileSync(file));
  const [first] = entries;
  if (first === undefined) throw new Error('It is empty.');
  const list = JSON.parse(first.bytes.toString()) as { files: Record<string, string> } & Record<
    string,
    unknown
  >;
  change(entries, list);
  if (relist)
    list.files = Object.fromEntries(
      entries.filter((it) => it !== first).map(({ path, bytes }) => [path, sha256(bytes)]),
    );
  first.bytes = Buffer.from(JSON.stringify(list));
  writeFileSync(target, Buffer.concat([...entries.map(blocksOf), Buffer.alloc(1024)]));
  return target;
}
