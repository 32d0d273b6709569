import {
  FrameDecoder,
  FrameError,
  MAX_FRAME_BYTES,
  MAX_JSON_DEPTH,
  parseFrameText,
} from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseHostFrame } from '../../../plugin-sdk/hosting/host-frame.ts';
import { holds } from './holds.ts';

/** What bytes decode to: the texts up to the first fault, and whether there was one. */
function decode(chunks: readonly Uint8Array[]): { texts: readonly string[]; failed: boolean } {
  const decoder = new FrameDecoder();
  const texts: string[] = [];
  try {
    for (const chunk of chunks) texts.push(...decoder.push(chunk));
    return { texts, failed: false };
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError);
    return { texts, failed: true };
  }
}

/** Bytes that are nearly frames: small lengths, plausible bodies, cuts anywhere. */
const pieces = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((it) => [...it]),
    fc.json().map((text) => {
      const body = Buffer.from(text);
      const head = Buffer.alloc(4);
      head.writeUInt32LE(body.length);
      return [...head, ...body];
    }),
    fc.constantFrom(0, 1, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 2 ** 32 - 1).map((length) => {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(length);
      return [...head];
    }),
  ),
  { maxLength: 8 },
);

test('bytes are frames or an error, however they are cut, and the cut changes nothing', () => {
  holds('frame-bytes', [pieces, fc.integer({ min: 1, max: 9 })], (parts, size) => {
    const bytes = Uint8Array.from(parts.flat());
    const cut: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) cut.push(bytes.slice(at, at + size));
    const whole = decode([bytes]);
    const inPieces = decode(cut);
    expect(inPieces.failed).toBe(whole.failed);
    if (!whole.failed) expect(inPieces.texts).toEqual(whole.texts);
  });
});

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
    : 0;

function reachesForPrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(reachesForPrototype);
}

/** JSON with what parsers stumble over: deep nesting, keys of every object, escapes, odd numbers. */
const hostileJson = fc.oneof(
  fc.json(),
  fc.string(),
  fc.integer({ min: 0, max: 200 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  fc.integer({ min: 0, max: 200 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  fc
    .tuple(fc.constantFrom('__proto__', '\\u005f_proto__', 'constructor', 'toString'), fc.json())
    .map(([key, value]) => `{"a":[{"${key}":${value}}]}`),
  fc.constantFrom('1e999', '-0', '9007199254740993', '"\\ud800"', '{"t":1,"t":2}', 'nul'),
);

test('text is a value without depth or prototypes, or an error', () => {
  holds('frame-texts', [hostileJson], (text) => {
    try {
      const value = parseFrameText(text);
      expect(depthOf(value)).toBeLessThanOrEqual(MAX_JSON_DEPTH);
      expect(reachesForPrototype(value)).toBe(false);
    } catch (error) {
      expect(error).toBeInstanceOf(FrameError);
    }
  });
});

const KINDS = ['hello', 'call', 'event', 'log', 'cancel', 'reply', 'load', 'run', 'constructor'];
const FIELDS = {
  id: fc.oneof(fc.integer(), fc.double(), fc.constant(1), fc.string()),
  within: fc.oneof(fc.constant(1), fc.anything()),
  ok: fc.oneof(fc.boolean(), fc.constant('true')),
  value: fc.jsonValue(),
  error: fc.oneof(
    fc.record({
      code: fc.string(),
      message: fc.string(),
      data: fc.jsonValue(),
      retryable: fc.boolean(),
    }),
    fc.jsonValue(),
  ),
  capability: fc.constantFrom('net.http', 'state', 'constructor', '__proto__', ''),
  operation: fc.oneof(fc.constant('get'), fc.string({ maxLength: 100 })),
  args: fc.jsonValue(),
  node: fc.oneof(fc.constant('a'), fc.string()),
  level: fc.constantFrom('info', 'fatal', ''),
  text: fc.string(),
  pid: fc.integer(),
  extra: fc.constant(1),
} as const;

/** Fields that each kind may have, and no other. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  hello: ['t', 'pid'],
  call: ['t', 'id', 'within', 'node', 'capability', 'operation', 'args'],
  event: ['t', 'id', 'value'],
  log: ['t', 'within', 'level', 'text'],
  cancel: ['t', 'id'],
  reply: ['t', 'id', 'ok', 'value', 'error'],
};

test('a frame is taken only with the fields of its kind and an exact id, or is an error', () => {
  const frame = fc.record({ t: fc.constantFrom(...KINDS), ...FIELDS }, { requiredKeys: ['t'] });
  holds('host-frames', [frame.map((it) => JSON.stringify(it))], (text) => {
    try {
      const taken: Readonly<Record<string, unknown>> = { ...parseHostFrame(text) };
      expect(Object.keys(OWN)).toContain(taken['t']);
      const own = OWN[String(taken['t'])] ?? [];
      expect(Object.keys(taken).filter((key) => !own.includes(key))).toEqual([]);
      if ('id' in taken) expect(Number.isSafeInteger(taken['id'])).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(FrameError);
    }
  });
});
