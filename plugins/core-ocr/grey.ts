/** A grey picture: one byte a pixel, rows without padding. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Below this distance from the background a pixel is noise, and a picture without more is blank. */
const FAINTEST_INK = 40;

/**
 * How far each pixel is from the background, 0 to 255, whatever the colours: per pixel the largest distance of the three
 * channels from the most frequent colour. So dark on light, light on dark and red on grey all become ink on nothing.
 */
export function inkOf(bgrx: Uint8Array, width: number, height: number): Grey {
  const [blue, green, red] = [0, 1, 2].map((channel) => mostFrequent(bgrx, channel));
  const pixels = new Uint8Array(width * height);
  for (let index = 0, at = 0; index < pixels.length; index++, at += 4) {
    const b = Math.abs((bgrx[at] ?? 0) - (blue ?? 0));
    const g = Math.abs((bgrx[at + 1] ?? 0) - (green ?? 0));
    const r = Math.abs((bgrx[at + 2] ?? 0) - (red ?? 0));
    pixels[index] = Math.max(b, g, r);
  }
  return { width, height, pixels };
}

/** The ink stretched to 0–255; null when there is none to speak of. */
export function stretched(ink: Grey): Grey | null {
  let strongest = 0;
  for (const pixel of ink.pixels) if (pixel > strongest) strongest = pixel;
  if (strongest < FAINTEST_INK) return null;
  return { ...ink, pixels: ink.pixels.map((pixel) => Math.round((pixel * 255) / strongest)) };
}

export function cropped({ width, pixels }: Grey, box: Box): Grey {
  const part = new Uint8Array(box.width * box.height);
  for (let row = 0; row < box.height; row++) {
    const from = (box.y + row) * width + box.x;
    part.set(pixels.subarray(from, from + box.width), row * box.width);
  }
  return { width: box.width, height: box.height, pixels: part };
}

/** Bilinear when growing, area average when shrinking. */
export function scaled(source: Grey, factor: number): Grey {
  const width = Math.max(1, Math.round(source.width * factor));
  const height = Math.max(1, Math.round(source.height * factor));
  const columns = samples(source.width, width);
  const rows = samples(source.height, height);
  const pixels = new Uint8Array(width * height);
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      let sum = 0;
      for (const [sourceY, shareY] of row) {
        for (const [sourceX, shareX] of column) {
          sum += (source.pixels[sourceY * source.width + sourceX] ?? 0) * shareX * shareY;
        }
      }
      pixels[y * width + x] = Math.round(sum);
    }
  }
  return { width, height, pixels };
}

/** Dark ink on white with a margin, as a binary PGM (netpbm P5). */
export function pgmOf({ width, height, pixels }: Grey, margin: number): Uint8Array {
  const [fullWidth, fullHeight] = [width + 2 * margin, height + 2 * margin];
  const header = new TextEncoder().encode(`P5\n${String(fullWidth)} ${String(fullHeight)}\n255\n`);
  const file = new Uint8Array(header.length + fullWidth * fullHeight).fill(255);
  file.set(header);
  for (let y = 0; y < height; y++) {
    const at = header.length + (y + margin) * fullWidth + margin;
    for (let x = 0; x < width; x++) file[at + x] = 255 - (pixels[y * width + x] ?? 0);
  }
  return file;
}

type Share = readonly (readonly [index: number, share: number])[];

/** For each target pixel, which source pixels it is made of and by how much. */
function samples(source: number, target: number): readonly Share[] {
  const step = source / target;
  return Array.from({ length: target }, (_, index) => {
    if (step <= 1) return between((index + 0.5) * step - 0.5, source);
    const [from, to] = [index * step, Math.min(source, (index + 1) * step)];
    const shares: [number, number][] = [];
    for (let at = Math.floor(from); at < to; at++) {
      const overlap = Math.min(at + 1, to) - Math.max(at, from);
      shares.push([at, overlap / (to - from)]);
    }
    return shares;
  });
}

function between(position: number, count: number): Share {
  const clamped = Math.min(count - 1, Math.max(0, position));
  const low = Math.floor(clamped);
  const high = Math.min(count - 1, low + 1);
  return [
    [low, 1 - (clamped - low)],
    [high, clamped - low],
  ];
}

function mostFrequent(bgrx: Uint8Array, channel: number): number {
  const counts = new Uint32Array(256);
  for (let at = channel; at < bgrx.length; at += 4) {
    const level = bgrx[at] ?? 0;
    counts[level] = (counts[level] ?? 0) + 1;
  }
  return counts.indexOf(counts.reduce((most, count) => Math.max(most, count), 0));
}
