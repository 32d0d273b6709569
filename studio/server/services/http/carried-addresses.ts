import { isIP, isIPv4 } from 'node:net';

/** An address without zone; an IPv4-mapped one as the IPv4 it is to the system. Null for what is no address. */
export function plainAddress(text: string): string | null {
  const address = text.replace(/%.*$/u, '');
  if (isIP(address) === 0) return null;
  if (isIPv4(address)) return address;
  const words = wordsOf(address);
  const isMapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  return isMapped ? ipv4At(words, 6) : address;
}

/** IPv4 addresses within an IPv6 one, at which a translator or tunnel would send what goes to it. */
export function carriedBy(address: string): readonly string[] {
  if (isIPv4(address)) return [];
  const words = wordsOf(address);
  const [a = 0, b = 0] = words;
  const found: string[] = [];
  // NAT64 (RFC 6052, RFC 8215); IPv4-compatible (RFC 4291); IPv4-translated (RFC 2765).
  if (a === 0x64 && b === 0xff9b) found.push(ipv4At(words, 6));
  if (words.slice(0, 4).every((word) => word === 0)) found.push(ipv4At(words, 6));
  // 6to4 (RFC 3056); Teredo (RFC 4380): its server, and its client with every bit turned.
  if (a === 0x2002) found.push(ipv4At(words, 1));
  if (a === 0x2001 && b === 0) found.push(ipv4At(words, 2), turned(words));
  // ISATAP (RFC 5214).
  if (((words[4] ?? 0) & 0xfcff) === 0 && words[5] === 0x5efe) found.push(ipv4At(words, 6));
  // `::` and `::1` are no IPv4.
  return words.slice(0, 7).every((word) => word === 0) ? [] : found;
}

const turned = (words: readonly number[]): string =>
  ipv4At(
    words.map((word) => word ^ 0xffff),
    6,
  );

function ipv4At(words: readonly number[], index: number): string {
  const [high = 0, low = 0] = words.slice(index, index + 2);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** The eight words of an IPv6 address that `isIPv6` knows. */
function wordsOf(address: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/u.exec(address);
  const [, start = '', ...octets] = dotted ?? [];
  const [a = 0, b = 0, c = 0, d = 0] = octets.map(Number);
  const text =
    dotted === null
      ? address
      : `${start}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  const [head = '', tail] = text.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const first = parse(head);
  const last = tail === undefined ? [] : parse(tail);
  const gap = Array.from({ length: 8 - first.length - last.length }, () => 0);
  return [...first, ...gap, ...last];
}
