import { beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../plugins/core-ocr/engine.ts';
import { findText, readNumber, readText, type Picture } from '../../../plugins/core-ocr/reader.ts';
import { DATA, filesWith, render, type Job } from './pictures.ts';

const WIDTH = 400;
const BAND = 60;

const line = (text: string, more: Partial<Job> = {}): Job => ({
  text,
  font: 'DejaVu Sans',
  size: 20,
  bold: false,
  fg: [30, 30, 30],
  bg: [255, 255, 255],
  width: WIDTH,
  height: BAND,
  ...more,
});

/** Drawn bands, one below the other. */
function screen(...jobs: readonly Job[]): Picture {
  const bands = render(jobs);
  const bytes = new Uint8Array(bands.length * WIDTH * BAND * 4);
  for (const [index, band] of bands.entries()) bytes.set(band.bytes, index * WIDTH * BAND * 4);
  return { bytes, width: WIDTH, height: bands.length * BAND };
}

const SCREEN = (): Picture =>
  screen(
    line('Queue monitor', { fg: [255, 255, 255], bg: [31, 58, 95], bold: true }),
    line('Waiting in queue: 57'),
    line(''),
    line('Approve batch', { fg: [255, 255, 255], bg: [29, 111, 220] }),
  );

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine(filesWith(DATA['packed'] ?? ''));
});

test('reads the lines of a picture from top to bottom, light on dark too', () => {
  const { text, value, box } = readText(engine, SCREEN());
  expect(text.split('\n')).toEqual(['Queue monitor', 'Waiting in queue: 57', 'Approve batch']);
  expect({ value, box }).toEqual({ value: null, box: null });
});

test('finds the line that holds a text, whatever the case, and where it is', () => {
  const [found, ...more] = findText(engine, SCREEN(), 'approve BATCH');
  expect(more).toEqual([]);
  expect(found?.text).toBe('Approve batch');
  expect(found?.box?.y).toBeGreaterThanOrEqual(3 * BAND);
  expect((found?.box?.y ?? 0) + (found?.box?.height ?? 0)).toBeLessThanOrEqual(4 * BAND);
});

test('finds nothing where the text is not', () => {
  expect(findText(engine, SCREEN(), 'reject')).toEqual([]);
  expect(findText(engine, screen(line('')), 'anything')).toEqual([]);
});

test('a line with a number alone has its value, and several lines are no number', () => {
  const lines = findText(engine, screen(line('57', { size: 28 }), line('Total')));
  expect(lines.map(({ text, value }) => [text, value])).toEqual([
    ['57', 57],
    ['Total', null],
  ]);
  expect(readNumber(engine, screen(line('57'), line('58'))).value).toBeNull();
});
