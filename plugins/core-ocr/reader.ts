import type { Reading } from '@runtime-hub/plugin-sdk/contract';
import type { Box } from './components.ts';
import type { Engine, Line } from './engine.ts';
import { isSure, looksLikeDigits, numberIn, shapesOf } from './number.ts';
import { crop, findInk, greyOf, LOOKS, pgmOf, type Grey, type Ink } from './preprocess.ts';
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
  return readGrey(engine, greyOf(picture.bytes, picture.width, picture.height));
}

function readGrey(engine: Engine, grey: Grey): Reading {
  const ink = findInk(grey);
  return ink === null ? BLANK : readInk(engine, ink);
}

/** Looks once when that is sure, else until two looks agree; a number that another look contradicts is none. */
function readInk(engine: Engine, ink: Ink): Reading {
  const shapes = shapesOf(ink.parts, ink.box);
  const first = engine.read(pgmOf(ink, LOOKS[0]));
  const take = (line: Line): number | null =>
    !ink.manyLines && looksLikeDigits(line.text, ink) ? numberIn(line, shapes) : null;
  const about = {
    text: first.text,
    confidence: Math.max(0, Math.min(100, first.confidence)),
    box: { ...ink.box },
  };
  let value = take(first);
  if (value !== null && isSure(first, shapes)) return { value, ...about };
  for (const height of LOOKS.slice(1)) {
    const next = take(engine.read(pgmOf(ink, height)));
    if (next === null) continue;
    if (value !== null) return { value: next === value ? value : null, ...about };
    value = next;
  }
  return { value: null, ...about };
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
  const { text, confidence } = engine.read(pgmOf(ink, LOOKS[0]));
  const value = /^[^\p{L}]*\d[^\p{L}]*$/u.test(text) ? readInk(engine, ink).value : null;
  return { value, text, confidence: Math.max(0, confidence), box: { ...box } };
}

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ').trim();
}
