/** A grey picture of upright dark stripes on white, PGM P5. */
export function pgmOfStripes(width: number, height: number): Uint8Array {
  const header = new TextEncoder().encode(`P5\n${String(width)} ${String(height)}\n255\n`);
  const file = new Uint8Array(header.length + width * height).fill(255);
  file.set(header);
  for (let y = 12; y < height - 12; y += 1) {
    for (let x = 12; x < width - 12; x += 1) {
      if (Math.floor(x / 6) % 3 === 0) file[header.length + y * width + x] = 0;
    }
  }
  return file;
}
