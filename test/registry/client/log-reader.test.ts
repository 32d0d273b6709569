import { generateKeyPairSync } from 'node:crypto';
import { eventLeaf, type LoggedEvent } from '@runtime-hub/plugin-sdk/artifact';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Exchange } from '../../../registry/client/exchange.ts';
import { shortMemory, type Memory } from '../../../registry/client/folder.ts';
import { Frontier } from '../../../registry/client/frontier.ts';
import { LogReader } from '../../../registry/client/log-reader.ts';
import { ORIGIN, openLog, revoked, type FakeLog } from './fake-log.ts';

const DIGEST = `sha512-${'a'.repeat(128)}`;
const HOUR_MS = 3_600_000;

let log: FakeLog;
let memory: Memory;
let exchange: Exchange;
beforeEach(async () => {
  log = await openLog();
  memory = shortMemory();
  exchange = new Exchange({ url: log.url });
});
afterEach(async () => {
  exchange.close();
  await log[Symbol.asyncDispose]();
});

const reader = (more: { now?: () => number } = {}): LogReader =>
  new LogReader({
    ...{ origin: ORIGIN, logKey: log.logKey, exchange, memory, maxAgeMs: 24 * HOUR_MS },
    now: more.now ?? (() => Date.now()),
  });

async function read(from: LogReader = reader()): Promise<readonly LoggedEvent[]> {
  const heard: LoggedEvent[] = [];
  await from.catchUp(async (events) => {
    heard.push(...events);
    await Promise.resolve();
  });
  return heard;
}

const fill = (count: number): void => {
  for (let at = 0; at < count; at += 1)
    log.append(revoked('acme/ocr', `1.0.${String(at)}`, DIGEST));
};

test('a log is told once, from where it was left, through every size of its tree', async () => {
  expect(await read()).toEqual([]);
  for (let size = 1; size <= 40; size += 1) {
    fill(1);
    expect((await read()).map(({ index }) => index)).toEqual([size - 1]);
  }
  expect(await read()).toEqual([]);
  expect(await reader().events()).toHaveLength(40);
});

test('what a crash cut short is told again', async () => {
  fill(3);
  const cut = reader().catchUp(async () => await Promise.reject(new Error('the power failed')));
  await expect(cut).rejects.toThrow('the power failed');
  expect(await read()).toHaveLength(3);
});

test('a leaf that is left out, put in, changed or moved is no part of the log', async () => {
  fill(5);
  const other = eventLeaf(revoked('acme/ocr', '9.9.9', DIGEST));
  const lies: ((index: number) => Buffer | null)[] = [
    (index) => (index === 2 ? other : (log.leaves[index] ?? null)),
    (index) => log.leaves[index === 2 ? 3 : index === 3 ? 2 : index] ?? null,
    (index) => log.leaves[index === 4 ? 3 : index] ?? null,
  ];
  for (const lie of lies) {
    log.show = lie;
    await expect(read()).rejects.toMatchObject({ code: 'LOG_FORKED' });
  }
  for (const gap of [0, 2]) {
    log.show = (index) => (index === gap ? null : (log.leaves[index] ?? null));
    await expect(read()).rejects.toMatchObject({ code: 'REGISTRY_RESPONSE_INVALID' });
  }
  log.show = (index) => log.leaves[index] ?? null;
  expect(await read()).toHaveLength(5);
});

test('a log that shrinks, tells another history, stops or speaks with another key is refused, and what was read stays', async () => {
  fill(6);
  await read();
  log.size = () => 4;
  await expect(read()).rejects.toMatchObject({ code: 'LOG_ROLLED_BACK' });
  log.size = () => log.leaves.length;
  const true6 = [...log.leaves];
  log.leaves[1] = eventLeaf(revoked('acme/ocr', '9.9.9', DIGEST));
  await expect(read()).rejects.toMatchObject({ code: 'LOG_FORKED' });
  fill(1);
  await expect(read()).rejects.toMatchObject({ code: 'LOG_FORKED' });
  log.leaves.splice(0, log.leaves.length, ...true6);
  const late = reader({ now: () => Date.now() + 25 * HOUR_MS });
  await expect(read(late)).rejects.toMatchObject({ code: 'LOG_FROZEN' });
  log.key = generateKeyPairSync('ed25519').privateKey;
  // A note that this log's key did not sign.
  await expect(read()).rejects.toMatchObject({ code: 'LOG_KEY_MISMATCH' });
  expect(await reader().events()).toHaveLength(6);
});

test('what somebody changed in the memory leads to another root, and is refused', async () => {
  fill(3);
  await read();
  // SAFETY: the reader wrote it.
  const notes = JSON.parse((await memory.recall(ORIGIN, 'log.json')) ?? '') as { frontier: string };
  const fake = new Frontier();
  for (let at = 0; at < 3; at += 1) fake.append(Buffer.alloc(32, at));
  await memory.keep(ORIGIN, 'log.json', JSON.stringify({ ...notes, frontier: fake.toText() }));
  fill(1);
  await expect(read()).rejects.toMatchObject({ code: 'LOG_FORKED' });
});
