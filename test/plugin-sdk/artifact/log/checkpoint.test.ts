import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openCheckpoint, signCheckpoint, type LogKey } from '@runtime-hub/plugin-sdk/artifact';
import { logId } from '../../../../plugin-sdk/artifact/log/note.ts';
import { keyOf } from '../release-parts.ts';
import { refusalOf } from '../tar-parts.ts';

const origin = 'reg.acme.example';
const privateKey = keyOf('ed25519');
const key: LogKey = { origin, publicKey: createPublicKey(privateKey) };
const root = Buffer.alloc(32, 7);
const head = { size: 12, root, at: 1_760_000_000_000 };
const note = signCheckpoint(head, { origin, privateKey });

/** Any text, signed as it is by whoever. */
function signedText(text: string, by: KeyObject = privateKey, name = origin): string {
  const id = logId({ origin: name, publicKey: createPublicKey(by) }).subarray(0, 4);
  const signature = Buffer.concat([id, sign(null, Buffer.from(text), by)]).toString('base64');
  return `${text}\n— ${name} ${signature}\n`;
}
const verdict = (text: string): string => refusalOf(() => openCheckpoint(text, key));
const lines = (...text: readonly string[]): string => signedText(`${text.join('\n')}\n`);
const base64 = root.toString('base64');

test('a checkpoint is read back as it was signed', () => {
  expect(openCheckpoint(note, key)).toEqual({ origin, ...head });
  expect(note.split('\n').slice(0, 5)).toEqual([
    origin,
    '12',
    base64,
    'Timestamp: 1760000000000',
    '',
  ]);
});

test('signatures of witnesses beside the log’s own change nothing', () => {
  const witnessed = `${note}— witness.example ${Buffer.alloc(68, 1).toString('base64')}\n`;
  expect(openCheckpoint(witnessed, key)).toEqual({ origin, ...head });
});

test('further extension lines are passed over', () => {
  expect(verdict(lines(origin, '12', base64, 'More: 1', 'Timestamp: 1', 'other'))).toBe('accepted');
});

describe('a checkpoint is refused', () => {
  const cases: readonly (readonly [string, () => string, string])[] = [
    [
      'of another origin',
      () => signedText(`other.example\n12\n${base64}\nTimestamp: 1\n`, privateKey, 'other.example'),
      'LOG_ORIGIN_MISMATCH',
    ],
    [
      'whose text alone names another origin',
      () => lines('other.example', '12', base64, 'Timestamp: 1'),
      'LOG_ORIGIN_MISMATCH',
    ],
    [
      'by another key of the same name',
      () => signCheckpoint(head, { origin, privateKey: keyOf('ed25519') }),
      'LOG_KEY_MISMATCH',
    ],
    [
      'by the right key under another name',
      () => note.replace(`— ${origin}`, '— other.example'),
      'LOG_KEY_MISMATCH',
    ],
    ['with another size', () => note.replace('\n12\n', '\n13\n'), 'LOG_CHECKPOINT_FORGED'],
    [
      'with another root',
      () => note.replace(base64, Buffer.alloc(32, 8).toString('base64')),
      'LOG_CHECKPOINT_FORGED',
    ],
    [
      'with a later time',
      () => note.replace('1760000000000', '1960000000000'),
      'LOG_CHECKPOINT_FORGED',
    ],
    [
      'with a line nobody signed',
      () => note.replace('\n\n', '\nmore\n\n'),
      'LOG_CHECKPOINT_FORGED',
    ],
    [
      'with a second signature by its key that does not hold',
      () => {
        const [text = '', line = ''] = note.split('\n\n');
        const at = line.length - 20;
        const other = line[at] === 'A' ? 'B' : 'A';
        const bad = `${line.slice(0, at)}${other}${line.slice(at + 1)}`;
        return `${text}\n\n${line}${bad}`;
      },
      'LOG_CHECKPOINT_FORGED',
    ],
    ['without signature', () => note.slice(0, note.indexOf('—')), 'LOG_CHECKPOINT_MALFORMED'],
    [
      'with a signature of four bytes',
      () => note.replace(/ \S+\n$/u, ' AAAAAA==\n'),
      'LOG_CHECKPOINT_MALFORMED',
    ],
    ['with a hyphen for the dash', () => note.replace('—', '-'), 'LOG_CHECKPOINT_MALFORMED'],
    ['that ends without a newline', () => note.slice(0, -1), 'LOG_CHECKPOINT_MALFORMED'],
    ['with a second part', () => `${note}\n${note}`, 'LOG_CHECKPOINT_MALFORMED'],
    [
      'with a carriage return',
      () => lines(origin, '12\r', base64, 'Timestamp: 1'),
      'LOG_CHECKPOINT_MALFORMED',
    ],
    [
      'with a zero byte',
      () => lines(origin, '12', `${base64}\0`, 'Timestamp: 1'),
      'LOG_CHECKPOINT_MALFORMED',
    ],
    [
      'over 16 kB',
      () => lines(origin, '12', base64, 'x'.repeat(17_000), 'Timestamp: 1'),
      'LOG_CHECKPOINT_MALFORMED',
    ],
    ['that is empty', () => '', 'LOG_CHECKPOINT_MALFORMED'],
  ];
  test.each(cases)('%s', (_name, make, code) => {
    expect(verdict(make())).toBe(code);
  });

  test.each([
    ['no timestamp', [origin, '12', base64]],
    ['two timestamps', [origin, '12', base64, 'Timestamp: 1', 'Timestamp: 2']],
    ['a timestamp that is no number', [origin, '12', base64, 'Timestamp: soon']],
    ['a negative timestamp', [origin, '12', base64, 'Timestamp: -1']],
    ['a timestamp beyond whole numbers', [origin, '12', base64, 'Timestamp: 9999999999999999']],
    ['a size in hex', [origin, '0x12', base64, 'Timestamp: 1']],
    ['a size with a leading zero', [origin, '012', base64, 'Timestamp: 1']],
    ['a negative size', [origin, '-1', base64, 'Timestamp: 1']],
    ['a size beyond whole numbers', [origin, '9999999999999999', base64, 'Timestamp: 1']],
    ['a short root', [origin, '12', 'AAAA', 'Timestamp: 1']],
    ['a root that is no base64', [origin, '12', '!'.repeat(44), 'Timestamp: 1']],
    ['no root', [origin, '12']],
  ] as const)('that its log signed with %s', (_name, text) => {
    expect(verdict(lines(...text))).toBe('LOG_CHECKPOINT_MALFORMED');
  });

  test('with any one character changed, unless it still says the same', () => {
    fc.assert(
      fc.property(
        fc.nat(note.length - 1),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, letter) => {
          const changed = `${note.slice(0, at)}${letter}${note.slice(at + 1)}`;
          const outcome = verdict(changed);
          if (outcome === 'accepted')
            expect(openCheckpoint(changed, key)).toEqual({ origin, ...head });
          else expect(outcome).toMatch(/^LOG_/u);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('whatever text it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(verdict(text)).toMatch(/^LOG_/u);
        expect(verdict(`${origin}\n${text}`)).toMatch(/^LOG_/u);
      }),
    );
  });
});
