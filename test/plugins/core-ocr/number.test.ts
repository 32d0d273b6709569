import { beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../../plugins/core-ocr/engine.ts';
import { parseNumber } from '../../../plugins/core-ocr/number.ts';
import { readNumber } from '../../../plugins/core-ocr/reader.ts';
import { FILES, jobsFor, render } from './pictures.ts';

const SIZES = [13, 16, 24, 40, 48];
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine(FILES);
});

interface Tally {
  readonly read: number;
  readonly of: number;
  readonly wrong: readonly string[];
  readonly unread: readonly string[];
}

function tally(texts: readonly string[], sizes = SIZES): Tally {
  const jobs = texts.flatMap((text) => jobsFor(text, sizes));
  const pictures = render(jobs);
  const wrong: string[] = [];
  const unread: string[] = [];
  const times: number[] = [];
  for (const [index, picture] of pictures.entries()) {
    const job = jobs[index];
    const started = performance.now();
    const { value, text, confidence } = readNumber(engine, picture);
    times.push(performance.now() - started);
    const note = `${String(job?.text)} ${String(job?.font)} ${String(job?.size)}: ${String(value)} “${text}” ${String(confidence)}`;
    if (value === null) unread.push(note);
    else if (value !== parseNumber(job?.text ?? '')) wrong.push(note);
  }
  const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
  const read = jobs.length - wrong.length - unread.length;
  console.log(
    `${texts.join(' ')}: ${String(read)}/${String(jobs.length)}, median ${median.toFixed(1)} ms`,
  );
  if (wrong.length + unread.length > 0) console.log({ wrong, unread: unread.slice(0, 30) });
  return { read, of: jobs.length, wrong, unread };
}

describe('reading numbers', () => {
  it('reads plain numbers, none of them wrong', () => {
    const result = tally(['0', '7', '11', '38', '41', '42', '43', '57', '100', '999', '12345']);
    expect(result.wrong).toEqual([]);
    expect(result.read / result.of).toBeGreaterThanOrEqual(0.95);
  });

  it('reads signs, thousands and decimals, none of them wrong', () => {
    const result = tally(['-6', '-42', '\u22126', '1,042', '42.5', '0.75', '12,345.6']);
    expect(result.wrong).toEqual([]);
    expect(result.read / result.of).toBeGreaterThanOrEqual(0.8);
  });

  it('reads each of the list at usual sizes', () => {
    const result = tally(['41', '42', '43', '1,042', '42.5', '-6'], [24, 40]);
    expect(result.wrong).toEqual([]);
    expect(result.unread).toEqual([]);
  });

  it('reads a screen at 200 %', () => {
    const result = tally(['41', '42', '43', '1,042', '42.5', '-6'], [96]);
    expect(result.wrong).toEqual([]);
    expect(result.read / result.of).toBeGreaterThanOrEqual(0.95);
  });

  it('makes no number of what is none', () => {
    const result = tally(['4Z', 'abc', '--', '.', '4 2', ' ']);
    expect(result.wrong).toEqual([]);
    expect(result.read).toBe(0);
  });
});

describe('parseNumber', () => {
  it.each([
    ['1,042', 1042],
    ['42.5', 42.5],
    ['-6', -6],
    ['\u22126', -6],
    ['4Z', null],
    ['', null],
    ['.', null],
    ['-', null],
    ['42,5', null],
    ['4 2', null],
    ['1,04', null],
  ])('%s is %s', (text, value) => expect(parseNumber(text)).toBe(value));
});
