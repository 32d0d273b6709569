import { components, type Box, type Mask } from './components.ts';
import type { Grey } from './preprocess.ts';

const EDGE = 32;
const LONGEST_RUN = 60;
const PAD = 3;

/** Boxes of lines of text, top to bottom: edges, without long lines, closed sideways, taken as connected parts. */
export function textBoxes(grey: Grey): Box[] {
  const edges = withoutLongRuns(edgesOf(grey));
  return components(closed(edges, 10))
    .filter((part) => part.height >= 6 && part.height <= 200 && part.width >= 4)
    .filter((part) => part.count > part.width * part.height * 0.2)
    .map((part) => padded(part, grey))
    .toSorted((a, b) => a.y - b.y || a.x - b.x);
}

function edgesOf({ pixels, width, height }: Grey): Mask {
  const bits = new Uint8Array(width * height);
  for (let y = 0; y + 1 < height; y += 1) {
    for (let x = 0; x + 1 < width; x += 1) {
      const at = y * width + x;
      const here = pixels[at] ?? 0;
      const across = Math.abs(here - (pixels[at + 1] ?? 0));
      const down = Math.abs(here - (pixels[at + width] ?? 0));
      if (Math.max(across, down) > EDGE) bits[at] = 1;
    }
  }
  return { bits, width, height };
}

/** Runs longer than any stroke of a letter are frames and rules. */
function withoutLongRuns(mask: Mask): Mask {
  const { width, height } = mask;
  const bits = mask.bits.slice();
  for (let y = 0; y < height; y += 1)
    clearRuns(mask.bits, bits, { from: y * width, step: 1, length: width });
  for (let x = 0; x < width; x += 1)
    clearRuns(mask.bits, bits, { from: x, step: width, length: height });
  return { bits, width, height };
}

function clearRuns(
  bits: Uint8Array,
  out: Uint8Array,
  line: { readonly from: number; readonly step: number; readonly length: number },
): void {
  let run = 0;
  for (let at = 0; at <= line.length; at += 1) {
    if (at < line.length && bits[line.from + at * line.step] === 1) {
      run += 1;
      continue;
    }
    for (let back = 1; run > LONGEST_RUN && back <= run; back += 1) {
      out[line.from + (at - back) * line.step] = 0;
    }
    run = 0;
  }
}

/** Fills gaps of at most `reach` pixels within a row. */
function closed({ bits, width, height }: Mask, reach: number): Mask {
  const out = bits.slice();
  for (let y = 0; y < height; y += 1) {
    let last = -reach - 2;
    for (let x = 0; x < width; x += 1) {
      if (bits[y * width + x] !== 1) continue;
      if (x - last <= reach + 1) out.fill(1, y * width + Math.max(0, last), y * width + x);
      last = x;
    }
  }
  return { bits: out, width, height };
}

function padded(box: Box, { width, height }: Grey): Box {
  const x = Math.max(0, box.x - PAD);
  const y = Math.max(0, box.y - PAD);
  const right = Math.min(width, box.x + box.width + PAD + 1);
  const bottom = Math.min(height, box.y + box.height + PAD + 1);
  return { x, y, width: right - x, height: bottom - y };
}
