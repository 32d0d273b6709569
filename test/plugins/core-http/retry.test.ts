import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, it } from 'vitest';
import { retryAfterMs, Sender } from '../../../plugins/core-http/retry.ts';
import { fakeWeb, unreachable, type Answer } from './fake-web.ts';

const url = 'https://api.test/items';
const busy: Answer = { status: 503 };
const fine: Answer = { text: '{}' };

describe('get', () => {
  it.each([429, 502, 503, 504])('asks again after %i', async (status) => {
    const web = fakeWeb((_, at) => (at < 2 ? { status } : fine));
    expect(await web.run('get', { url })).toMatchObject({ response: { requests: 3 } });
    expect(web.requests).toHaveLength(3);
    expect(web.requests[2]).toEqual(web.requests[0]);
  });

  it.each([
    unreachable(),
    new HubError('STEP_TIMED_OUT', { timeoutMs: 1 }),
    Object.assign(new Error('as an isolate has it'), { code: 'NET_UNREACHABLE' }),
  ])('asks again when no answer came: %s', async (error) => {
    const web = fakeWeb((_, at) => (at === 0 ? error : fine));
    await web.run('get', { url });
    expect(web.requests).toHaveLength(2);
  });

  it('gives up after as many times as it was told, with the last failure', async () => {
    const web = fakeWeb(unreachable);
    const found = web.run('get', { url, retry: { times: 2 } });
    await expect(found).rejects.toMatchObject({ code: 'NET_UNREACHABLE' });
    expect(web.requests).toHaveLength(3);
    const down = fakeWeb(() => busy);
    await expect(down.run('get', { url, retry: { times: 0 } })).rejects.toMatchObject({
      code: 'STEP_FAILED',
    });
    expect(down.waits).toEqual([]);
  });

  it.each([400, 401, 404, 500, 501])('does not ask again after %i', async (status) => {
    const web = fakeWeb(() => ({ status }));
    await expect(web.run('get', { url })).rejects.toMatchObject({ code: 'STEP_FAILED' });
    expect(web.requests).toHaveLength(1);
  });

  it.each([
    new HubError('CAPABILITY_DENIED', { plugin: 'core/http', need: 'net.http:api.test' }),
    new HubError('NET_ADDRESS_REFUSED', { host: 'api.test', reason: 'it is local' }),
    new HubError('STEP_CANCELLED', { reason: 'the user' }),
  ])('does not ask again where the answer stays no: %s', async (error) => {
    const web = fakeWeb(() => error);
    await expect(web.run('get', { url })).rejects.toMatchObject({ code: error.code });
    expect(web.requests).toHaveLength(1);
  });
});

describe('send', () => {
  it('does not repeat POST and PATCH, which may have been done', async () => {
    for (const method of ['POST', 'PATCH']) {
      const web = fakeWeb(() => busy);
      await expect(web.run('send', { url, method })).rejects.toMatchObject({ code: 'STEP_FAILED' });
      expect(web.requests).toHaveLength(1);
    }
  });

  it('repeats PUT and DELETE', async () => {
    for (const method of ['PUT', 'DELETE']) {
      const web = fakeWeb((_, at) => (at === 0 ? busy : fine));
      await web.run('send', { url, method });
      expect(web.requests).toHaveLength(2);
    }
  });

  it('repeats POST when told, and with the same key each time', async () => {
    const web = fakeWeb((_, at) => (at < 2 ? busy : fine));
    await web.run('send', { url, idempotencyKey: true });
    const key = { headers: { 'idempotency-key': 'run-1:node' } };
    expect(web.requests).toMatchObject([key, key, key]);
    const told = fakeWeb((_, at) => (at === 0 ? unreachable() : fine));
    await told.run('send', { url, retryAlways: true });
    expect(told.requests).toHaveLength(2);
  });
});

describe('the wait', () => {
  /** How long is waited when the chance is `random`, for answers with these headers. */
  async function waitsFor(random: number, headers: Record<string, string>, retry = {}) {
    const web = fakeWeb(() => ({ status: 503, headers }));
    const chance = { random: () => random, now: () => Date.UTC(2026, 0, 1) };
    const line = {
      call: async () => await Promise.resolve({ status: 503, url, headers, sizeBytes: 0, ms: 1 }),
      sleep: (ms: number) => Promise.resolve(void waits.push(ms)),
    };
    const waits: number[] = [];
    await new Sender(line, { times: 4, ...retry }, { chance }).send({ method: 'GET', url });
    expect(web.requests).toEqual([]);
    return waits;
  }

  it('is anything from nothing to a limit that doubles', async () => {
    expect(await waitsFor(1, {})).toEqual([500, 1000, 2000, 4000]);
    expect(await waitsFor(0.5, {})).toEqual([250, 500, 1000, 2000]);
    expect(await waitsFor(0, {})).toEqual([0, 0, 0, 0]);
    expect(await waitsFor(1, {}, { longestWaitMs: 700 })).toEqual([500, 700, 700, 700]);
  });

  it('is at least what the server asks for', async () => {
    expect(await waitsFor(0, { 'retry-after': '3' })).toEqual([3000, 3000, 3000, 3000]);
    const date = { 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' };
    expect(await waitsFor(0, date)).toEqual([5000, 5000, 5000, 5000]);
  });

  it('is not made when the server asks for longer than is allowed', async () => {
    expect(await waitsFor(0, { 'retry-after': '31' })).toEqual([]);
    expect(await waitsFor(0, { 'retry-after': '999999999' })).toEqual([]);
  });

  it.each(['-5', '1e9', 'soon', 'Infinity', '99999999999999999999', ''])('ignores %j', (value) => {
    expect(retryAfterMs({ headers: { 'retry-after': value } }, 0)).toBe(0);
  });
});
