import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyExport } from '../../../studio/server/audit/export.ts';
import type { AuditHead } from '../../../studio/server/audit/head.ts';
import { dataFolder, openedStore, useOf, writeAudit } from '../../studio/server/audit/folders.ts';

const owner = dataFolder();
const other = dataFolder();
let lines: readonly string[] = [];
let foreign: readonly string[] = [];
let head: AuditHead;
beforeAll(async () => {
  [lines, foreign] = await Promise.all([exported(owner.path), exported(other.path)]);
  const last: { readonly head: AuditHead } = JSON.parse(lines.at(-1) ?? '');
  head = last.head;
});
afterAll(() => {
  owner[Symbol.dispose]();
  other[Symbol.dispose]();
});

async function exported(folder: string, since?: number): Promise<readonly string[]> {
  await writeAudit(folder, 6);
  await using store = await openedStore(folder);
  store.audit.append(useOf(7, { operation: '"\u202E\n' }));
  await store.flush();
  return [...store.audit.export(since)];
}

async function* bytes(text: string | Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
  await Promise.resolve();
}

const textOf = (some: readonly string[]): string => some.map((line) => `${line}\n`).join('');
const check = async (text: string | Uint8Array, key: string | null = null) =>
  await verifyExport(bytes(text), key);
const refused = (record: number) => ({ code: 'AUDIT_BROKEN', data: { record } });
const without = (line: number) => textOf(lines.filter((_, index) => index !== line));
const swapped = (one: number, two: number) =>
  textOf(
    lines.map((line, index) => lines[index === one ? two : index === two ? one : index] ?? line),
  );

test('an exported file verifies by itself, in pieces of any size, and anyone can compute its hashes', async () => {
  const verdict = await check(textOf(lines), head.key);
  expect(verdict).toMatchObject({ from: { sequence: 0 }, to: { sequence: 7 }, head });
  expect(await verifyExport(bytes(textOf(lines), 7), null)).toEqual(verdict);
  const [start, first] = [lines[0] ?? '', lines[1] ?? ''];
  const { from }: { readonly from: { readonly hash: string } } = JSON.parse(start);
  const { record, hash }: { readonly record: unknown; readonly hash: string } = JSON.parse(first);
  const sum = createHash('sha256')
    .update(`${from.hash}\n1\n${JSON.stringify(record)}`)
    .digest('hex');
  expect(hash).toBe(sum);
});

test('an export of the newest alone verifies from where it begins', async () => {
  using folder = dataFolder();
  const some = await exported(folder.path, 5);
  expect(some).toHaveLength(5);
  expect(await check(textOf(some))).toMatchObject({ from: { sequence: 4 }, to: { sequence: 7 } });
});

test('lines that are missing, swapped, repeated or put in are found at the first', async () => {
  for (const line of [1, 4, 7]) {
    await expect(check(without(line))).rejects.toMatchObject(refused(line));
    const twice = textOf([...lines.slice(0, line + 1), ...lines.slice(line)]);
    await expect(check(twice)).rejects.toMatchObject(refused(line + 1));
  }
  await expect(check(swapped(2, 5))).rejects.toMatchObject(refused(2));
  await expect(check(without(0))).rejects.toMatchObject(refused(0));
  await expect(check(without(8))).rejects.toMatchObject(refused(8));
  await expect(check('')).rejects.toMatchObject(refused(0));
});

test('cutting off the beginning or the end, and saying so, is found by the signature', async () => {
  const later = JSON.parse(lines[3] ?? '') as { readonly sequence: number; readonly hash: string };
  const from = { sequence: later.sequence, hash: later.hash };
  const start = JSON.stringify({ format: 'runtime-hub/audit@1', from });
  const short = textOf([start, ...lines.slice(4)]);
  await expect(check(short)).rejects.toMatchObject(refused(1));
  const cut = textOf([...lines.slice(0, 5), lines.at(-1) ?? '']);
  await expect(check(cut)).rejects.toMatchObject(refused(5));
  const both = [start, ...lines.slice(4, -1), JSON.stringify({ head: { ...head, from } })];
  await expect(check(textOf(both))).rejects.toMatchObject(refused(7));
});

test('the head of another export, or another hub, does not fit', async () => {
  const body = lines.slice(0, -1);
  await expect(check(textOf([...body, foreign.at(-1) ?? '']))).rejects.toMatchObject({
    code: 'AUDIT_BROKEN',
  });
  await expect(check(textOf(foreign), head.key)).rejects.toMatchObject(refused(7));
  const mixed = [...lines.slice(0, 4), ...foreign.slice(4)];
  await expect(check(textOf(mixed))).rejects.toMatchObject(refused(4));
  await expect(check(textOf([...lines, ...lines]))).rejects.toMatchObject(refused(8));
});

test.each([
  ['no final newline', () => textOf(lines).slice(0, -1)],
  ['an empty line', () => textOf(lines).replace('\n', '\n\n')],
  ['a byte order mark', () => `\uFEFF${textOf(lines)}`],
  ['Windows line ends', () => textOf(lines).replaceAll('\n', '\r\n')],
  ['a space', () => textOf(lines).replace('{"sequence":3,', '{"sequence":3, ')],
  ['a field twice', () => textOf(lines).replace('{"sequence":3,', '{"sequence":9,"sequence":3,')],
  ['a field more', () => textOf(lines).replace('{"sequence":3,', '{"note":"","sequence":3,')],
  ['an escape more', () => textOf(lines).replace('api.example', '\\u0061pi.example')],
  ['another number form', () => textOf(lines).replace('"sequence":3,', '"sequence":3.0,')],
  ['__proto__', () => textOf(lines).replace('{"sequence":3,', '{"__proto__":{},"sequence":3,')],
  ['deep nesting', () => textOf(lines).replace('{"sequence":3,', `${'['.repeat(1e5)},`)],
  ['a line without end', () => `${lines[0] ?? ''}\n${'x'.repeat(3e6)}`],
])('an export with %s is refused', async (_, spoil) => {
  await expect(check(spoil())).rejects.toMatchObject({ code: 'AUDIT_BROKEN' });
});

test('bytes that are no UTF-8 are refused at their record', async () => {
  const all = Buffer.from(textOf(lines));
  all[all.indexOf('"sequence":5') + 30] = 0xff;
  await expect(check(all)).rejects.toMatchObject(refused(5));
});

/** Every place in a JSON value that holds no object or list. */
function leaves(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  // SAFETY: the path was found in the value.
  const object = value as Readonly<Record<string, unknown>>;
  return { ...object, [key]: replaced(object[key], rest, by) };
}

test('no field of any line can be given another value unseen', async () => {
  const places = lines.flatMap((line, index) =>
    leaves(JSON.parse(line)).map((path) => [index, path] as const),
  );
  expect(places.length).toBeGreaterThan(70);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.jsonValue(), async ([index, path], by) => {
      const before = lines[index] ?? '';
      const after = JSON.stringify(replaced(JSON.parse(before), path, by));
      fc.pre(after !== before);
      const changed = lines.map((line, at) => (at === index ? after : line));
      await expect(check(textOf(changed))).rejects.toMatchObject({ code: 'AUDIT_BROKEN' });
    }),
    { numRuns: 1000 },
  );
});

test('no byte can be changed, taken out or put in unseen', async () => {
  const all = Buffer.from(textOf(lines));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(all.length - 1),
      fc.nat(2),
      fc.uint8Array({ maxLength: 3 }),
      async (at, gone, more) => {
        const changed = Buffer.concat([all.subarray(0, at), more, all.subarray(at + gone)]);
        fc.pre(!changed.equals(all));
        await expect(check(changed)).rejects.toMatchObject({ code: 'AUDIT_BROKEN' });
      },
    ),
    { numRuns: 1000 },
  );
});

test('no noise is an export', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => {
      await expect(check(noise)).rejects.toMatchObject({ code: 'AUDIT_BROKEN' });
    }),
  );
});
