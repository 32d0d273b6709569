/** A rectangle in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A mask: 1 where something is. */
export interface Mask {
  readonly bits: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Boxes of the 8-connected parts of a mask, with the number of set pixels. */
export function components(mask: Mask): (Box & { readonly count: number })[] {
  const left = mask.bits.slice();
  const found: (Box & { readonly count: number })[] = [];
  for (let start = 0; start < left.length; start += 1) {
    if (left[start] === 1) found.push(flood(left, mask, start));
  }
  return found;
}

function flood(left: Uint8Array, { width, height }: Mask, start: number) {
  const stack = [start];
  left[start] = 0;
  let [x0, y0, x1, y1, count] = [width, height, 0, 0, 0];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const x = at % width;
    const y = (at - x) / width;
    count += 1;
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x);
    y0 = Math.min(y0, y);
    y1 = Math.max(y1, y);
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny += 1) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx += 1) {
        const next = ny * width + nx;
        if (left[next] !== 1) continue;
        left[next] = 0;
        stack.push(next);
      }
    }
  }
  return { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1, count };
}

/** The smallest box around boxes. */
export function around(boxes: readonly Box[]): Box {
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}
