import type { Engine } from './engine.ts';
import { readNumber, type Picture } from './reader.ts';

const ROUNDS = 16;
const SCALE = 8;
const WIDTH = 300;
const HEIGHT = 80;

/** 5 by 7 pixels, a row each. */
const GLYPHS = {
  4: ['00010', '00110', '01010', '10010', '11111', '00010', '00010'],
  2: ['01110', '10001', '00001', '00110', '01000', '10000', '11111'],
  8: ['01110', '10001', '10001', '01110', '10001', '10001', '01110'],
  5: ['11111', '10000', '11110', '00001', '00001', '10001', '01110'],
} as const;
const TEXTS = [[4, 2], [8], [2, 5, 8], [5, 4]] as const;

/**
 * Reads drawn numbers until V8 has compiled the way from pixels to a number well: the first readings of a process take
 * ten times as long as later ones. Other work goes on in between.
 */
export async function warmUp(engine: Engine): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    readNumber(engine, drawn(TEXTS[round % TEXTS.length] ?? [8]));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function drawn(digits: readonly (keyof typeof GLYPHS)[]): Picture {
  const bytes = new Uint8Array(WIDTH * HEIGHT * 4).fill(255);
  for (const [place, digit] of digits.entries()) {
    for (const [row, bits] of GLYPHS[digit].entries()) {
      for (let column = 0; column < bits.length; column += 1) {
        if (bits[column] === '1') fill(bytes, 20 + place * 48 + column * SCALE, 12 + row * SCALE);
      }
    }
  }
  return { bytes, width: WIDTH, height: HEIGHT };
}

function fill(bytes: Uint8Array, x: number, y: number): void {
  for (let line = y; line < y + SCALE; line += 1) {
    const from = (line * WIDTH + x) * 4;
    bytes.fill(20, from, from + SCALE * 4);
  }
}
