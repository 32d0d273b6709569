import { pipeline, Readable, type Transform } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import type { Share } from './allowance.ts';
import { refusedResponse } from './failures.ts';

/** What is sent as Accept-Encoding when the plugin says nothing. */
export const ACCEPTED_CODINGS = 'gzip, deflate, br, zstd';
/** More is no honest response; RFC 9110 section 8.4 knows no limit. */
const MAX_CODINGS = 2;
/** What compressed bytes may be above the decompressed ones: empty blocks are work for nothing. */
const SLACK_BYTES = 65_536;

export interface BodyRule {
  readonly host: string;
  readonly maxBytes: number;
  /** Content-Encoding of the response. */
  readonly codings: string;
  /** What the plugin's requests may hold together. */
  readonly share: Share;
}

type Chunks = AsyncIterable<Buffer>;
type Decode = (chunks: Chunks) => Chunks;

/** Reads and decompresses a body; stops at the first byte too many. Rejects with NET_RESPONSE_REFUSED or the source's error. */
export async function readBody(source: Chunks, rule: BodyRule): Promise<Buffer> {
  const { host, maxBytes, share } = rule;
  const decoders = decodersOf(rule);
  const most = decoders.length === 0 ? maxBytes : maxBytes + SLACK_BYTES;
  const raw = bounded(source, most, () => tooLarge(host, maxBytes));
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of decoders.reduce((from, decode) => decode(from), raw)) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(host, maxBytes);
    share.take(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* bounded(source: Chunks, most: number, error: () => Error): Chunks {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > most) throw error();
    yield chunk;
  }
}

/** Undoes what was done last first. A coding nobody knows leaves the body as it came, as fetch does. */
function decodersOf({ host, codings }: BodyRule): readonly Decode[] {
  const names = codings
    .toLowerCase()
    .split(',')
    .map((it) => it.trim())
    .filter((it) => it !== '' && it !== 'identity');
  if (names.length > MAX_CODINGS) throw refusedResponse(host, 'it is compressed more than twice');
  const decoders = names.flatMap((name) => DECODERS.get(name) ?? []);
  return decoders.length === names.length ? decoders.toReversed() : [];
}

const through =
  (make: () => Transform): Decode =>
  (chunks) =>
    // Errors of either end come out of the decoder, and ending it early ends the source.
    pipeline(Readable.from(chunks), make(), () => {});

/** `deflate` is zlib's format (RFC 1950), but some servers send it bare (RFC 1951). */
async function* inflate(chunks: Chunks): Chunks {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const isZlib = ((first.value[0] ?? 0) & 0x0f) === 8;
  async function* again(): Chunks {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  yield* through(isZlib ? createInflate : createInflateRaw)(again());
}

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ['gzip', through(createGunzip)],
  ['x-gzip', through(createGunzip)],
  ['br', through(createBrotliDecompress)],
  ['zstd', through(createZstdDecompress)],
  ['deflate', inflate],
]);

const tooLarge = (host: string, maxBytes: number) =>
  refusedResponse(host, `its body is larger than ${String(maxBytes)} bytes`);
