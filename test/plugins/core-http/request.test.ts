import type { BlobHandle, HttpRequest } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, it } from 'vitest';
import { fakeWeb, jsonAnswer, type FakeWeb } from './fake-web.ts';

const url = 'https://api.test/items';
const okay = (): FakeWeb => fakeWeb(() => jsonAnswer({ ok: true }));

async function requestOf(
  type: 'get' | 'send',
  config: object,
  inputs: object = {},
): Promise<HttpRequest | undefined> {
  const web = okay();
  await web.run(type, { url, ...config }, inputs);
  return web.requests[0];
}

const refusal = (at: string) => ({ code: 'STEP_INPUT_INVALID', data: { problems: [{ at }] } });

describe('a request', () => {
  it('of get is just that', async () => {
    const web = okay();
    const outputs = await web.run('get', { url });
    const plain = { method: 'GET', url, headers: {}, keep: 'text', redirects: 'follow' };
    expect(web.requests).toEqual([plain]);
    expect(outputs).toMatchObject({ json: { ok: true }, response: { status: 200, requests: 1 } });
  });

  it('encodes what it adds to the address, and sets what is there already', async () => {
    const query = { q: 'a&b=c#d é', n: 5, tag: ['x', 'y'] };
    const request = await requestOf('get', { url: `${url}?q=old&z=1#part`, query });
    expect(request?.url).toBe(`${url}?z=1&q=a%26b%3Dc%23d%20%C3%A9&n=5&tag=x&tag=y`);
  });

  it.each([
    [
      { type: 'bearer', secret: 'token' },
      { authorization: { $secret: 'token', prefix: 'Bearer ' } },
    ],
    [
      { type: 'basic', secret: 'login' },
      { authorization: { $secret: 'login', prefix: 'Basic ', form: 'basic' } },
    ],
    [{ type: 'header', secret: 'key', name: 'X-Api-Key' }, { 'x-api-key': { $secret: 'key' } }],
  ])('names a secret and never holds its value: %j', async (auth, headers) => {
    expect((await requestOf('get', { auth }))?.headers).toEqual(headers);
  });

  it('has limits of its own', async () => {
    const config = { timeoutMs: 5000, maxBytes: 1000, redirects: 'stop', read: 'text' };
    const limits = { timeoutMs: 5000, maxBytes: 1000, redirects: 'stop', keep: 'text' };
    expect(await requestOf('get', config)).toMatchObject(limits);
  });
});

describe('a body', () => {
  const blob: BlobHandle = {
    $blob: '0'.repeat(32),
    mime: 'image/png',
    sizeBytes: 1,
    sha256: '0'.repeat(64),
  };

  it.each([
    ['json', { a: [1] }, '{"a":[1]}', 'application/json'],
    ['text', 'grüße', 'grüße', 'text/plain; charset=utf-8'],
    ['form', { a: 'x y&z', n: 1 }, 'a=x+y%26z&n=1', 'application/x-www-form-urlencoded'],
    ['blob', blob, blob, 'image/png'],
  ])('goes as %s', async (bodyAs, body, sent, type) => {
    const request = await requestOf('send', { bodyAs }, { body });
    expect(request).toMatchObject({
      method: 'POST',
      body: sent,
      headers: { 'content-type': type },
    });
  });

  it('comes from the settings when nothing arrives, and its type may be said', async () => {
    const config = { body: { a: 1 }, headers: { 'Content-Type': 'application/vnd.api+json' } };
    const request = await requestOf('send', { ...config, method: 'PATCH' });
    expect(request).toMatchObject({ method: 'PATCH', body: '{"a":1}' });
    expect(request?.headers).toEqual({ 'content-type': 'application/vnd.api+json' });
  });

  it.each([
    ['text', { a: 1 }],
    ['form', [1]],
    ['form', { a: { b: 1 } }],
    ['blob', 'x'],
    ['json', 'x'.repeat(524_288)],
  ])('that can’t go as %s is refused', async (bodyAs, body) => {
    await expect(requestOf('send', { bodyAs }, { body })).rejects.toMatchObject(refusal('/body'));
  });
});

describe('what is refused before anything is sent', () => {
  it.each([
    [{ 'X-A': 'a\r\nX-Evil: 1' }],
    [{ 'X-A': 'a\nb' }],
    [{ 'X-A': 'a\0b' }],
    [{ 'X-A\r\nX-Evil': 'a' }],
    [{ 'X A': 'a' }],
    [{ Host: 'internal' }],
    [{ 'Transfer-Encoding': 'chunked' }],
    [{ 'content-length': '0' }],
    [{ 'Proxy-Authorization': 'x' }],
    [{ 'X-A': 'a', 'x-a': 'b' }],
  ])('headers %j', async (headers) => {
    const web = okay();
    await expect(web.run('send', { url, headers })).rejects.toMatchObject(refusal('/headers'));
    expect(web.requests).toEqual([]);
  });

  it.each(['file:///etc/passwd', 'api.test', 'https://', 'https://a b', 'https://a\r\nX: 1'])(
    'address %j',
    async (wrong) => {
      await expect(okay().run('get', { url: wrong })).rejects.toMatchObject(refusal('/url'));
    },
  );

  it('a secret behind a prefix that would begin another header', async () => {
    const auth = { type: 'header', secret: 'key', name: 'x-key', prefix: 'a\r\nb' };
    await expect(okay().run('get', { url, auth })).rejects.toMatchObject(refusal('/headers'));
  });
});

describe('an answer', () => {
  it.each([404, 500])('of status %i fails the step, without its body', async (status) => {
    const web = fakeWeb(() => ({ status, text: '{"password":"s3cr3t"}' }));
    const found = web.run('get', { url });
    await expect(found).rejects.toMatchObject({
      code: 'STEP_FAILED',
      message: `api.test answered GET with status ${String(status)}`,
    });
    expect(web.requests).toHaveLength(1);
  });

  it('of a status that is allowed comes out', async () => {
    const web = fakeWeb(() => ({ status: 404, text: '{"why":"gone"}' }));
    const one = await web.run('get', { url, allowStatus: [404] });
    expect(one).toMatchObject({ json: { why: 'gone' }, response: { status: 404 } });
    expect(await web.run('get', { url, allowStatus: 'any' })).toMatchObject({
      response: { status: 404 },
    });
    await expect(web.run('get', { url, allowStatus: [410] })).rejects.toMatchObject({
      code: 'STEP_FAILED',
    });
  });

  it('comes out at the port that was asked for', async () => {
    const blob = { $blob: 'a'.repeat(32), mime: 'x/y', sizeBytes: 2, sha256: 'b'.repeat(64) };
    const web = fakeWeb(({ keep }) => (keep === 'blob' ? { blob } : { text: 'plain' }));
    expect(await web.run('get', { url, read: 'text' })).toMatchObject({ text: 'plain' });
    expect(await web.run('get', { url, read: 'blob' })).toMatchObject({ blob });
    expect(await web.run('get', { url, method: 'HEAD' })).not.toHaveProperty('json');
    const empty = fakeWeb(() => ({ status: 204 }));
    expect(await empty.run('send', { url })).toMatchObject({ json: null });
  });

  it.each([
    ['<html>s3cr3t</html>', /api\.test answered with what is not JSON; read it as text/u],
    ['['.repeat(400_000), /nested deeper than 48/u],
    ['{"a":'.repeat(60) + '1' + '}'.repeat(60), /nested deeper than 48/u],
    ['{"a":{"__proto__":{"admin":true}}}', /“__proto__”/u],
    [String.raw`[{"\u005f_proto__":1}]`, /“__proto__”/u],
  ])('that is no JSON to hand on fails the step: %#', async (text, message) => {
    const found = fakeWeb(() => ({ text })).run('get', { url });
    await expect(found).rejects.toMatchObject({
      code: 'STEP_FAILED',
      message: expect.stringMatching(message) as string,
    });
    await expect(found).rejects.not.toThrow(/s3cr3t/u);
    expect({}).not.toHaveProperty('admin');
  });
});
