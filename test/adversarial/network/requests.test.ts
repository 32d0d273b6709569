import { hostOf } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, test } from 'vitest';
import { secretsOf, serve, serveRaw, world } from '../../studio/server/services/http/world.ts';

const INVALID = { code: 'STEP_INPUT_INVALID' };

describe('a header that is the hub’s to set is refused, and nothing is sent', () => {
  test.each([
    'Host',
    'hOsT',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Upgrade',
    'Expect',
    'HTTP2-Settings',
    'Proxy-Authorization',
    'Proxy-Connection',
    'Proxy-Anything',
  ])('%s', async (name) => {
    const secrets = secretsOf({ key: 'k-value-1' });
    const { request, connections } = world({ secrets });
    for (const value of ['x', { $secret: 'key' }]) {
      const answer = request({ url: 'http://127.0.0.1:9/', headers: { [name]: value } });
      await expect(answer).rejects.toMatchObject(INVALID);
    }
    expect(connections).toEqual([]);
    expect(secrets.revealed).toEqual([]);
  });

  test('one header twice, in other letters', async () => {
    const { request, connections } = world();
    const headers = { Authorization: 'a', authorization: 'b' };
    await expect(request({ url: 'http://127.0.0.1:9/', headers })).rejects.toMatchObject(INVALID);
    expect(connections).toEqual([]);
  });
});

test('more headers than a request may have', async () => {
  const { request, connections } = world();
  const names = Array.from({ length: 65 }, (_, at) => [`x-${String(at)}`, 'y'] as const);
  const answer = request({ url: 'http://127.0.0.1:9/', headers: Object.fromEntries(names) });
  await expect(answer).rejects.toMatchObject(INVALID);
  expect(connections).toEqual([]);
});

describe('a value that would break the line is refused, and nothing is sent', () => {
  const breaks = {
    'carriage return and line feed': 'a\r\nX-Injected: 1',
    'line feed': 'a\nX-Injected: 1',
    'carriage return': 'a\rX-Injected: 1',
    NUL: 'a\0b',
    'a letter whose low byte is a line feed': 'aĊX-Injected: 1',
    'a control character': 'a\u0007b',
    DEL: 'a\u007fb',
    'a lone surrogate': 'a\ud800b',
  };
  test.each(Object.entries(breaks))('%s', async (_name, value) => {
    const secrets = secretsOf({ key: `secret ${value}` });
    const { request, connections } = world({ secrets });
    for (const header of [value, { $secret: 'key' }, { $secret: 'key', prefix: value }]) {
      const answer = request({ url: 'http://127.0.0.1:9/', headers: { 'x-own': header } });
      await expect(answer).rejects.toMatchObject(INVALID);
      await expect(answer).rejects.not.toThrow('secret a');
    }
    expect(connections).toEqual([]);
  });

  test('in the address: a line break there is taken out or escaped, never sent', async () => {
    const heads: string[] = [];
    await using server = await serveRaw((socket) => {
      socket.on('data', (chunk) => {
        heads.push(chunk.toString('latin1'));
        socket.end('HTTP/1.1 204 No Content\r\n\r\n');
      });
    });
    const { request } = world();
    for (const path of [
      'a\r\nX-Injected: 1',
      'a%0d%0aX-Injected:%201',
      'a b\tc',
      '?q=a\nb',
      'a\u2028b',
    ]) {
      await request({ url: `${server.url}/${path}` });
    }
    expect(heads).toHaveLength(5);
    for (const head of heads) {
      const lines = head.trimEnd().split('\r\n');
      expect(lines[0]).toMatch(/^GET \/[\u0021-\u007e]* HTTP\/1\.1$/u);
      expect(lines.filter((line) => line.startsWith('X-Injected'))).toEqual([]);
      expect(lines.filter((line) => /^host:/iu.test(line))).toHaveLength(1);
    }
  });
});

test('a second request within a body stays a body', async () => {
  await using server = await serve((request, response, body) => {
    response.end(`${String(request.url)} ${String(body.length)}`);
  });
  const body = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
  const answer = await world().request({ method: 'POST', url: `${server.url}/a`, body });
  expect(answer.text).toBe(`/a ${String(body.length)}`);
  expect(server.seen).toHaveLength(1);
});

test('a body with GET or HEAD, which some servers take for the next request, is refused', async () => {
  const { request, connections } = world();
  for (const method of ['GET', 'HEAD'] as const) {
    const answer = request({ method, url: 'http://127.0.0.1:9/', body: 'x' });
    await expect(answer).rejects.toMatchObject(INVALID);
  }
  expect(connections).toEqual([]);
});

test('a media type of a blob that would break the line is not sent', async () => {
  await using server = await serve((_request, response) => response.end('ok'));
  const blob = { $blob: '1'.repeat(32), sizeBytes: 9, sha256: '1'.repeat(64) };
  const mime = 'text/plain\r\nX-Injected: 1';
  await world().request({ method: 'PUT', url: server.url, body: { ...blob, mime } });
  expect(server.seen[0]?.headers['content-type']).toBe('application/octet-stream');
  expect(server.seen[0]?.headers['x-injected']).toBeUndefined();
});

test('a blob of another plugin is not read', async () => {
  const refusal = Object.assign(new Error('no'), { code: 'BLOB_NOT_FOUND' });
  const { request, connections } = world({ readBlob: async () => await Promise.reject(refusal) });
  const blob = { $blob: '1'.repeat(32), mime: 'a/b', sizeBytes: 9, sha256: '1'.repeat(64) };
  const answer = request({ method: 'PUT', url: 'http://127.0.0.1:9/', body: blob });
  await expect(answer).rejects.toBe(refusal);
  expect(connections).toEqual([]);
});

describe('an address that is no plain http address has no target to grant', () => {
  test.each([
    'file:///etc/passwd',
    'ftp://api.example/',
    'javascript:alert(1)',
    'https://user:pass@api.example/',
    'https://api.example@evil.example/',
    'https://:@/',
    '//api.example/',
    'api.example',
    'https://*.example/',
    '',
  ])('%s', async (url) => {
    const { request, connections } = world();
    await expect(request({ url })).rejects.toMatchObject(INVALID);
    expect(connections).toEqual([]);
  });
});

describe('what looks like the granted host is another target', () => {
  test.each([
    ['a Cyrillic letter', 'https://аpi.example/', 'xn--pi-6kc.example'],
    ['a dotless i', 'https://apı.example/', 'xn--ap-ipa.example'],
    ['a backslash', 'https://evil.example\\@api.example/', 'evil.example'],
    ['a hash', 'https://evil.example#@api.example/', 'evil.example'],
    ['a question mark', 'https://evil.example?api.example/', 'evil.example'],
    ['a soft hyphen', 'https://api\u00ad.example/', 'api.example'],
    ['capitals and full width', 'https://ＡＰＩ.example/', 'api.example'],
    ['a closing dot', 'https://api.example./', 'api.example'],
    ['a default port', 'https://api.example:443/', 'api.example'],
    ['another port', 'https://api.example:8443/', 'api.example:8443'],
    ['plain http', 'http://api.example/', 'http://api.example'],
  ])('%s', (_name, url, target) => {
    expect(hostOf(url)).toBe(target);
  });
});
