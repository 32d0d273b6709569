import { CrashRecord } from '@runtime-hub/plugin-sdk/hosting';
import { expect, test } from 'vitest';

test('what crashes again as soon as a person lets it out is still started slowly', () => {
  const record = new CrashRecord();
  for (const at of [0, 1, 2]) record.add(at, 'exit code 1');
  expect(record.quarantine).toContain('exit code 1');
  record.release();
  expect(record.quarantine).toBeNull();
  expect(record.waitMs(2)).toBe(200);
  for (const at of [3, 4, 5]) record.add(at, 'exit code 1');
  expect(record.quarantine).not.toBeNull();
  record.release();
  expect(record.waitMs(5)).toBe(400);
});

test('however often it was let out, the wait stays bounded, and a minute later there is none', () => {
  const record = new CrashRecord();
  for (let at = 0; at < 300; at += 1) {
    record.add(at, 'exit code 1');
    record.release();
  }
  expect(record.waitMs(299)).toBe(400);
  expect(record.waitMs(299 + 60_000)).toBe(0);
});
