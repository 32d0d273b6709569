import { describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../../plugins/core-ocr/engine.ts';
import { parseNumber } from '../../../plugins/core-ocr/number.ts';
import { readNumber } from '../../../plugins/core-ocr/reader.ts';
import { seededRandom } from '../../../studio/server/demo/values.ts';
import { DATA, filesWith, jobsFor, render, type Job } from './pictures.ts';

const LIST = ['41', '42', '43', '1,042', '42.5', '-6'];

interface Tally {
  readonly read: number;
  readonly wrong: readonly string[];
  readonly unread: readonly string[];
}

/** Reads drawn texts; what is not the number a person sees is wrong, what is null is unread. */
function tally(engine: Engine, jobs: readonly Job[]): Tally {
  const wrong: string[] = [];
  const unread: string[] = [];
  for (const [index, picture] of render(jobs).entries()) {
    const { text: drawn = '', font, size } = jobs[index] ?? {};
    const { value, text, confidence } = readNumber(engine, picture);
    const note = `${drawn}, ${String(font)} ${String(size)}: ${String(value)} “${text}” ${String(confidence)}`;
    if (value === null) unread.push(note);
    else if (value !== parseNumber(drawn)) wrong.push(note);
  }
  return { read: jobs.length - wrong.length - unread.length, wrong, unread };
}

const drawn = (texts: readonly string[], sizes: readonly number[]): readonly Job[] =>
  texts.flatMap((text) => jobsFor(text, sizes));

/** Numbers of every kind, in fonts and sizes that the limits of the reader were not chosen on. */
function randomJobs(count: number, sizes: readonly number[]): readonly Job[] {
  const random = seededRandom(2026);
  const upTo = (end: number): number => Math.floor(random() * end);
  const kinds = [
    () => String(upTo(100)),
    () => String(upTo(100_000)),
    () => (random() * 1000).toFixed(1),
    () => (1000 + upTo(900_000)).toLocaleString('en'),
    () => `-${String(1 + upTo(200))}`,
  ];
  return Array.from({ length: count }, (_, index) => {
    const text = kinds[index % kinds.length]?.() ?? '';
    const choices = jobsFor(text, sizes);
    const job = choices[upTo(choices.length)] ?? choices[0];
    if (job === undefined) throw new Error('there is nothing to draw');
    return { ...job, bold: random() < 0.5 };
  });
}

describe.each(Object.keys(DATA))('reading numbers with the %s data', (name) => {
  const loaded = createEngine(filesWith(DATA[name] ?? ''));

  it('reads each of the list at usual sizes and at 200 %', async () => {
    const { wrong, unread } = tally(await loaded, drawn(LIST, [24, 40, 96]));
    expect({ wrong, unread }).toEqual({ wrong: [], unread: [] });
  });

  it('reads what the demo shows, in its font, at both scales', async () => {
    const numbers = Array.from({ length: 100 }, (_, number) => String(number));
    const jobs = drawn(numbers, [56, 112]).filter(({ font }) => font === 'DejaVu Sans');
    const light = jobs.filter((_, index) => index % 8 < 2).map((job) => ({ ...job, bold: true }));
    const { wrong, unread } = tally(await loaded, light);
    expect({ wrong, unread }).toEqual({ wrong: [], unread: [] });
  });

  it('reads numbers of every kind from 18 to 112 pixels, none of them wrong', async () => {
    const jobs = randomJobs(250, [18, 22, 28, 36, 64, 112]);
    const { read, wrong, unread } = tally(await loaded, jobs);
    expect(wrong).toEqual([]);
    expect(read / jobs.length, unread.join('\n')).toBeGreaterThanOrEqual(0.97);
  });

  it('reads small print or nothing, and nothing wrong', async () => {
    const jobs = randomJobs(150, [13, 14, 16]);
    const { read, wrong, unread } = tally(await loaded, jobs);
    expect(wrong).toEqual([]);
    expect(read / jobs.length, unread.join('\n')).toBeGreaterThanOrEqual(0.85);
  });

  it('makes no number of what is none', async () => {
    const nothing = [
      ...drawn(['4Z', 'abc', '--', '.', '4 2', ' '], [13, 16, 24, 40, 96]),
      ...drawn(['42,5'], [18, 24, 40, 96]),
    ];
    const { read, wrong } = tally(await loaded, nothing);
    expect({ read, wrong }).toEqual({ read: 0, wrong: [] });
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
