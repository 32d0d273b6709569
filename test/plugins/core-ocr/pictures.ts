import { spawnSync } from 'node:child_process';
import type { EngineFiles } from '../../../plugins/core-ocr/engine.ts';
import type { Picture } from '../../../plugins/core-ocr/reader.ts';

export interface Job {
  readonly text: string;
  readonly font: string;
  readonly size: number;
  readonly bold: boolean;
  readonly width: number;
  readonly height: number;
  readonly fg: readonly number[];
  readonly bg: readonly number[];
}

const modules = new URL('../../../node_modules/', import.meta.url);

/** Language data: the one in the artifact, and the faster one of Debian that a setting chooses. */
export const DATA: Readonly<Record<string, string>> = {
  packed: new URL('@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz', modules).href,
  fast: 'file:///usr/share/tesseract-ocr/5/tessdata/eng.traineddata',
};

/** The engine's files where npm puts them, with one of the data files. */
export const filesWith = (data: string): EngineFiles => ({
  core: new URL('tesseract.js-core/', modules),
  data: [new URL(data)],
});

/** Draws pictures. */
export function render(jobs: readonly Job[]): Picture[] {
  const script = new URL('render.py', import.meta.url).pathname;
  const result = spawnSync('/usr/bin/python3', [script], {
    input: JSON.stringify(jobs),
    maxBuffer: 2 ** 30,
  });
  if (result.status !== 0) throw new Error(result.stderr.toString());
  let at = 0;
  return jobs.map(({ width, height }) => {
    const bytes = new Uint8Array(result.stdout.subarray(at, (at += width * height * 4)));
    return { bytes, width, height };
  });
}

const THEMES = [
  { fg: [0, 0, 0], bg: [255, 255, 255] },
  { fg: [240, 240, 240], bg: [30, 30, 30] },
  { fg: [255, 255, 255], bg: [30, 90, 200] },
  { fg: [60, 60, 60], bg: [200, 200, 200] },
];
const FONTS = ['DejaVu Sans', 'Liberation Sans'];

/** A text in both fonts, all themes and the sizes. */
export function jobsFor(text: string, sizes: readonly number[]): Job[] {
  const small = { width: 300, height: 80 };
  const big = { width: 600, height: 160 };
  return FONTS.flatMap((font) =>
    THEMES.flatMap((theme) =>
      sizes.map((size) => ({
        text,
        font,
        size,
        bold: false,
        ...theme,
        ...(size > 60 ? big : small),
      })),
    ),
  );
}
