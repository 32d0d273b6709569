import type { Box, Grey } from './grey.ts';

/** Ink at least this strong (of 255) belongs to a glyph. */
const INK = 96;
/** A component that spans this much of the picture in one direction and is thin in the other is a frame or a rule. */
const LINE_SPAN = 0.6;

/** Connected pieces of ink, 8-neighbours, left to right; frames and rules are left out. */
export function componentsOf(ink: Grey): Box[] {
  const { width, height, pixels } = ink;
  const labels = new Uint8Array(width * height);
  const boxes: Box[] = [];
  for (let start = 0; start < pixels.length; start++) {
    if (labels[start] === 1 || (pixels[start] ?? 0) < INK) continue;
    const box = flood(ink, labels, start);
    if (!isRule(box, width, height)) boxes.push(box);
  }
  return boxes.sort((a, b) => a.x - b.x);
}

/** The smallest box around all; null for none. */
export function around(boxes: readonly Box[]): Box | null {
  const [first] = boxes;
  if (first === undefined) return null;
  let [left, top, right, bottom] = [
    first.x,
    first.y,
    first.x + first.width,
    first.y + first.height,
  ];
  for (const box of boxes) {
    left = Math.min(left, box.x);
    top = Math.min(top, box.y);
    right = Math.max(right, box.x + box.width);
    bottom = Math.max(bottom, box.y + box.height);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Groups pieces into lines of text: they overlap in height and stand closer than about one and a half glyphs. */
export function linesOf(boxes: readonly Box[]): Box[] {
  const lines: Box[] = [];
  for (const box of boxes) {
    if (box.height < 4 && box.width < 4) continue;
    const at = lines.findLastIndex((line) => belongs(line, box));
    const line = lines[at];
    if (line === undefined) lines.push(box);
    else lines[at] = around([line, box]) ?? box;
  }
  return lines
    .filter((line) => line.height >= 6 && line.width >= 4)
    .sort((a, b) => a.y - b.y || a.x - b.x);
}

function belongs(line: Box, box: Box): boolean {
  const overlap = Math.min(line.y + line.height, box.y + box.height) - Math.max(line.y, box.y);
  const tall = Math.max(line.height, box.height);
  const gap = box.x - (line.x + line.width);
  return (
    overlap >= 0.5 * Math.min(line.height, box.height) &&
    gap <= 1.2 * tall &&
    tall <= 3 * Math.max(8, line.height)
  );
}

function isRule(box: Box, width: number, height: number): boolean {
  const isFlat = box.height <= Math.max(3, height * 0.06) && box.width >= width * LINE_SPAN;
  const isUpright = box.width <= Math.max(3, width * 0.02) && box.height >= height * 0.95;
  const isFrame = box.width >= width * 0.9 && box.height >= height * 0.9;
  return isFlat || isUpright || isFrame;
}

function flood({ width, height, pixels }: Grey, labels: Uint8Array, start: number): Box {
  let [left, right, top, bottom] = [
    start % width,
    start % width,
    Math.floor(start / width),
    Math.floor(start / width),
  ];
  const open = [start];
  labels[start] = 1;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const [x, y] = [at % width, Math.floor(at / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
    for (let nextY = Math.max(0, y - 1); nextY <= Math.min(height - 1, y + 1); nextY++) {
      for (let nextX = Math.max(0, x - 1); nextX <= Math.min(width - 1, x + 1); nextX++) {
        const next = nextY * width + nextX;
        if (labels[next] === 1 || (pixels[next] ?? 0) < INK) continue;
        labels[next] = 1;
        open.push(next);
      }
    }
  }
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
