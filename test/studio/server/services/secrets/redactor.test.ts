import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { createRedactor } from '../../../../../studio/server/services/secrets/redactor.ts';

const VALUE = 's3cr3t-"tok/en+ü\\ &end';
const MARK = '[secret mail]';

function redactorOf(value = VALUE) {
  const redactor = createRedactor();
  redactor.add('mail', value);
  return redactor;
}

const bytesOf = (text: string): Buffer => Buffer.from(text);
const percent = (text: string): string =>
  bytesOf(text)
    .toString('hex')
    .replaceAll(/../gu, (byte) => `%${byte}`);
const unicode = (text: string): string =>
  Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
const numeric = (text: string): string =>
  Array.from(text, (it) => `&#${String(it.codePointAt(0))};`).join('');

const FORMS: Readonly<Record<string, string>> = {
  'as it is': VALUE,
  'as JSON': JSON.stringify(VALUE).slice(1, -1),
  'as JSON within JSON': JSON.stringify(JSON.stringify(VALUE).slice(1, -1)).slice(1, -1),
  'as JSON of code points': unicode(VALUE),
  'as part of a URL': encodeURIComponent(VALUE),
  'as a form': new URLSearchParams({ a: VALUE }).toString().slice(2),
  'with every byte as %': percent(VALUE),
  'with every byte as %, in capitals': percent(VALUE).toUpperCase(),
  'as HTML': html(VALUE),
  'as HTML of numbers': numeric(VALUE),
  'as hex': bytesOf(VALUE).toString('hex'),
  'as hex in capitals': bytesOf(VALUE).toString('hex').toUpperCase(),
  'as hex with colons': bytesOf(VALUE)
    .toString('hex')
    .replaceAll(/..(?!$)/gu, '$&:'),
};

describe('a value that was used is hidden', () => {
  test.each(Object.entries(FORMS))('%s', async (_name, form) => {
    const redactor = redactorOf();
    const text = `before <${form}> after`;
    expect(redactor.redact(text)).toBe(`before <${MARK}> after`);
    const bytes = await redactor.redactBytes(bytesOf(text));
    expect(bytes.toString()).toBe(`before <${MARK}> after`);
  });

  test.each([0, 1, 2, 3, 4, 5])('as base64 after %i other bytes', (count) => {
    const around = Buffer.concat([Buffer.alloc(count, 'x'), bytesOf(VALUE), bytesOf('yyyyy')]);
    for (const form of ['base64', 'base64url'] as const) {
      const text = redactorOf().redact(around.toString(form));
      expect(text).toContain(MARK);
      const left = text.split(MARK).flatMap((part) => [...Buffer.from(part, form)]);
      expect(Buffer.from(left).toString('latin1')).not.toContain('cr3t');
    }
  });

  test('as base64 broken into lines, and within a URL', () => {
    const base64 = bytesOf(VALUE).toString('base64');
    expect(redactorOf().redact(base64.replaceAll(/.{8}/gu, '$&\r\n'))).toContain(MARK);
    expect(redactorOf().redact(encodeURIComponent(base64))).toContain(MARK);
  });

  test('as UTF-16, as Windows programs write it', async () => {
    const bytes = Buffer.from(`a${VALUE}b`, 'utf16le');
    const hidden = await redactorOf().redactBytes(bytes);
    expect(hidden.includes(MARK)).toBe(true);
    expect(hidden.toString('latin1').replaceAll('\0', '')).not.toContain('cr3t');
  });

  test('over the border of what is looked at in one turn', async () => {
    const redactor = redactorOf();
    for (const border of [65_536, 1_048_576, 1_398_101]) {
      const bytes = Buffer.alloc(border * 2, 0x2e);
      for (const at of [border - 10, border - 1, border, border + 1]) {
        const held = Buffer.from(bytes);
        bytesOf(VALUE).copy(held, at);
        const hidden = await redactor.redactBytes(held);
        expect(hidden.includes('cr3t')).toBe(false);
        expect(hidden.length).toBe(held.length - bytesOf(VALUE).length + MARK.length);
      }
    }
  });

  test('line by line, when it has several lines', () => {
    const lines = Array.from({ length: 5 }, () => randomBytes(48).toString('base64'));
    const redactor = redactorOf(lines.join('\n'));
    for (const line of lines) expect(redactor.redact(`<${line}>`)).toBe(`<${MARK}>`);
  });

  test('however long it is', () => {
    const value = randomBytes(3000).toString('base64');
    const redactor = redactorOf(value);
    expect(redactor.redact(`<${value}>`)).toBe(`<${MARK}>`);
    const encoded = redactor.redact(bytesOf(value).toString('base64'));
    expect(encoded.length).toBeLessThan(200);
  });
});

test('what holds no secret is left as it is', async () => {
  const redactor = redactorOf();
  const bytes = randomBytes(100_000);
  expect(await redactor.redactBytes(bytes)).toBe(bytes);
  for (const text of ['', 's3cr3t', 'S3CR3T-"TOK', '\ud800', 'ünïcödé']) {
    expect(redactor.redact(text)).toBe(text);
  }
  expect(createRedactor().redact(VALUE)).toBe(VALUE);
});

test('two secrets side by side are told apart, and one within the other leaves no rest', () => {
  const redactor = redactorOf('abcd1234');
  redactor.add('other', 'xyzw9876');
  redactor.add('longer', 'abcd1234efgh');
  expect(redactor.redact('abcd1234xyzw9876')).toBe('[secret mail][secret other]');
  expect(redactor.redact('<abcd1234efgh>')).toBe('<[secret longer]>');
});

test('any value is found in any text around it, in every form', () => {
  const value = fc.string({ unit: 'binary', minLength: 4, maxLength: 40 });
  fc.assert(
    fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(secret.isWellFormed() && secret.trim().length >= 4 && !/[\r\n]/u.test(secret));
      const redactor = redactorOf(secret);
      for (const form of [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
      ]) {
        expect(redactor.redact(`${before}|${form}|${after}`)).toContain(MARK);
      }
      const base64 = Buffer.from(`${before}${secret}${after}`).toString('base64');
      expect(redactor.redact(base64)).toContain(MARK);
    }),
    { numRuns: 60 },
  );
});

test('what a hostile peer repeats costs neither much time nor much memory', async () => {
  const redactor = redactorOf('a\\\\b');
  redactor.add('rows', `${'\\'.repeat(200)}end`);
  redactor.add('short', 'abcd');
  const before = process.cpuUsage();
  redactor.redact('\\'.repeat(200_000));
  redactor.redact('%5c'.repeat(60_000));
  redactor.redact('&#'.repeat(100_000));
  const bytes = await redactor.redactBytes(Buffer.from('abcd.'.repeat(500_000)));
  const { user } = process.cpuUsage(before);
  expect(user / 1000).toBeLessThan(5000);
  expect(bytes.length).toBeLessThan(2_500_000);
  expect(bytes.includes('abcd')).toBe(false);
});
