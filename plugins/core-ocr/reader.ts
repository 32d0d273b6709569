import type { Reading } from '@runtime-hub/plugin-sdk/contract';
import type { Engine } from './engine.ts';
import { cropped, inkOf, pgmOf, scaled, stretched, type Box, type Grey } from './grey.ts';
import { agreed, startsWithMinus, type Look } from './number.ts';
import { around, componentsOf, linesOf } from './segment.ts';

/** A picture as it arrives: `BGRX`, 4 bytes a pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly bgrx: Uint8Array;
}

/** Heights of the ink that the engine reads best; two, so that a number must hold up twice. */
const INK_HEIGHTS = [30, 42] as const;
const MARGIN = 12;
const MAX_LINES = 400;

const BLANK: Reading = { value: null, text: '', confidence: 0, box: null };

/** Reads the one number in a picture; `value` is null wherever a person could not be sure of it. */
export function readNumber(engine: Engine, picture: Picture): Reading {
  const ink = stretched(inkOf(picture.bgrx, picture.width, picture.height));
  const pieces = ink === null ? [] : componentsOf(ink);
  const box = around(pieces);
  if (ink === null || box === null) return BLANK;
  const [first, second] = INK_HEIGHTS.map((height) => lookAt(engine, ink, box, height));
  if (first === undefined || second === undefined) return BLANK;
  const value = agreed(first, second, startsWithMinus(pieces));
  const best = first.confidence >= second.confidence ? first : second;
  return { value, text: best.text.slice(0, 1000), confidence: best.confidence, box };
}

/** Reads all text of a picture, line by line from the top. */
export function readText(engine: Engine, picture: Picture): Reading {
  const lines = findText(engine, picture);
  const confidence = lines.length === 0 ? 0 : Math.min(...lines.map((line) => line.confidence));
  const boxes = lines.flatMap((line) => line.box ?? []);
  return {
    value: null,
    text: lines.map((line) => line.text).join('\n'),
    confidence,
    box: around(boxes),
  };
}

/** Every line of text with its box; with `wanted`, those that contain it, whatever the case. */
export function findText(engine: Engine, picture: Picture, wanted = ''): Reading[] {
  const ink = stretched(inkOf(picture.bgrx, picture.width, picture.height));
  if (ink === null) return [];
  const found = lineBoxes(ink, picture)
    .slice(0, MAX_LINES)
    .flatMap((box) => readLine(engine, picture, box));
  return found.filter((line) => line.text.toLowerCase().includes(wanted.toLowerCase()));
}

/** Lines of the whole picture, and inside large pieces such as buttons, which are ink themselves. */
function lineBoxes(ink: Grey, picture: Picture): Box[] {
  const pieces = componentsOf(ink);
  const surfaces = pieces.filter(
    (box) => box.width >= 40 && box.height >= 16 && box.width * box.height >= 1000,
  );
  const inside = surfaces.flatMap((surface) => {
    const part = stretched(inkOf(partOf(picture, surface), surface.width, surface.height));
    const lines = part === null ? [] : linesOf(componentsOf(part));
    return lines.map((box) => ({ ...box, x: box.x + surface.x, y: box.y + surface.y }));
  });
  return [...linesOf(pieces.filter((box) => !surfaces.includes(box))), ...inside];
}

function readLine(engine: Engine, picture: Picture, box: Box): Reading[] {
  const ink = stretched(inkOf(partOf(picture, box), box.width, box.height));
  if (ink === null) return [];
  const whole = { x: 0, y: 0, width: box.width, height: box.height };
  const { text, confidence } = lookAt(engine, ink, whole, INK_HEIGHTS[0]);
  return text === '' ? [] : [{ value: null, text: text.slice(0, 1000), confidence, box }];
}

function lookAt(engine: Engine, ink: Grey, box: Box, inkHeight: number): Look {
  return engine.read(pgmOf(scaled(cropped(ink, box), inkHeight / box.height), MARGIN));
}

function partOf({ width, bgrx }: Picture, box: Box): Uint8Array {
  const part = new Uint8Array(box.width * box.height * 4);
  for (let row = 0; row < box.height; row++) {
    const from = ((box.y + row) * width + box.x) * 4;
    part.set(bgrx.subarray(from, from + box.width * 4), row * box.width * 4);
  }
  return part;
}
