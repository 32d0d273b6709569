import type { Reading } from '@runtime-hub/plugin-sdk/contract';
import type { Box } from './components.ts';
import type { Engine } from './engine.ts';
import { decide, looksLikeDigits, shapesOf } from './number.ts';
import { crop, findInk, greyOf, pgmOf, VARIANTS, type Grey } from './preprocess.ts';
import { textBoxes } from './segment.ts';

/** A picture's raw pixels. */
export interface Picture {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const BLANK: Reading = { value: null, text: '', confidence: 0, box: null };

/** Reads the one number in a picture. */
export function readNumber(engine: Engine, picture: Picture): Reading {
  return numberIn(engine, greyOf(picture.bytes, picture.width, picture.height));
}

function numberIn(engine: Engine, grey: Grey): Reading {
  const ink = findInk(grey);
  if (ink === null) return BLANK;
  const first = engine.read(pgmOf(ink, VARIANTS[0]));
  const second = engine.read(pgmOf(ink, VARIANTS[1]));
  const plausible = !ink.manyLines && looksLikeDigits(first.text, ink);
  const value = !plausible ? null : decide(first, second, shapesOf(ink.parts, ink.box));
  const { text, confidence } = first;
  return { value, text, confidence: Math.max(0, Math.min(100, confidence)), box: { ...ink.box } };
}

/** Reads every line of text, top to bottom; `box` is around all of them. */
export function readText(engine: Engine, picture: Picture): Reading {
  const lines = findText(engine, picture);
  const [first] = lines;
  if (first === undefined) return BLANK;
  const text = lines.map((line) => line.text).join('\n');
  const confidence = Math.min(...lines.map((line) => line.confidence));
  const box = lines.length === 1 ? first.box : null;
  return { value: lines.length === 1 ? first.value : null, text, confidence, box };
}

/** Every line of text with its box; only those that hold `wanted`, when given, whatever the case. */
export function findText(engine: Engine, picture: Picture, wanted?: string): Reading[] {
  const grey = greyOf(picture.bytes, picture.width, picture.height);
  const lines = textBoxes(grey)
    .map((box) => lineIn(engine, grey, box))
    .filter((line) => line.text !== '');
  if (wanted === undefined) return lines;
  const sought = plain(wanted);
  return lines.filter((line) => plain(line.text).includes(sought));
}

function lineIn(engine: Engine, grey: Grey, box: Box): Reading {
  const ink = findInk(crop(grey, box));
  if (ink === null) return BLANK;
  const { text, confidence } = engine.read(pgmOf(ink, VARIANTS[0]));
  const value = /^[^\p{L}]*\d[^\p{L}]*$/u.test(text)
    ? numberIn(engine, crop(grey, box)).value
    : null;
  return { value, text, confidence: Math.max(0, confidence), box: { ...box } };
}

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ').trim();
}
