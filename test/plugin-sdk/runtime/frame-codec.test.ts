import {
  FrameDecoder,
  FrameError,
  MAX_FRAME_BYTES,
  encodeFrame,
  encodeFrameText,
  parseFrameText,
} from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('frames come out as they went in, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.json()), fc.integer({ min: 1, max: 50 }), (texts, size) => {
      const bytes = Buffer.concat(texts.map(encodeFrameText));
      const decoder = new FrameDecoder();
      const seen: string[] = [];
      for (let at = 0; at < bytes.length; at += size)
        seen.push(...decoder.push(bytes.subarray(at, at + size)));
      expect(seen).toEqual(texts);
      expect(decoder.partial).toBe(false);
    }),
  );
});

test('a length over the limit is refused from its header alone', () => {
  expect(() => new FrameDecoder().push(new Uint8Array([255, 255, 255, 255]))).toThrow(FrameError);
  expect(() => encodeFrameText('x'.repeat(MAX_FRAME_BYTES + 1))).toThrow(FrameError);
  expect(() => encodeFrameText('é'.repeat(MAX_FRAME_BYTES / 2 + 1))).toThrow(FrameError);
});

test('bytes that are not UTF-8 are refused', () => {
  expect(() => new FrameDecoder().push(new Uint8Array([1, 0, 0, 0, 255]))).toThrow(FrameError);
});

test('text that is no JSON, too deep or reaches for a prototype is refused', () => {
  const deep = '['.repeat(65) + ']'.repeat(65);
  for (const text of ['{', deep, '{"a":{"__proto__":1}}', '{"\\u005f_proto__":1}'])
    expect(() => parseFrameText(text)).toThrow(FrameError);
  expect(parseFrameText('['.repeat(64) + ']'.repeat(64))).toBeInstanceOf(Array);
});

test('a frame is length and JSON', () => {
  expect(Buffer.from(encodeFrame({ t: 'cancel', id: 1 })).toString('latin1')).toBe(
    '\u0015\0\0\0{"t":"cancel","id":1}',
  );
});
