import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { serve, serveRaw, world } from '../../studio/server/services/http/world.ts';

const REFUSED = { code: 'NET_RESPONSE_REFUSED' };
const MIB = 1_048_576;

describe('a bomb is stopped at the first byte too many', () => {
  const zeros = Buffer.alloc(128 * MIB);
  test.each([
    ['gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['br', brotliCompressSync(zeros, { params: { 1: 4 } })],
    ['zstd', zstdCompressSync(zeros)],
    ['gzip, gzip', gzipSync(gzipSync(zeros))],
    ['gzip, br', brotliCompressSync(gzipSync(zeros), { params: { 1: 4 } })],
  ])('%s', async (coding, bomb) => {
    await using server = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': coding }).end(bomb);
    });
    const { request, kept } = world();
    const before = process.memoryUsage.rss();
    for (const keep of ['text', 'blob'] as const) {
      const answer = request({ url: server.url, keep, maxBytes: 100_000 });
      await expect(answer).rejects.toMatchObject({
        ...REFUSED,
        data: { detail: 'its body is larger than 100000 bytes' },
      });
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * MIB);
    expect(kept).toEqual([]);
  });

  test('gzip in ten layers', async () => {
    const layers = 10;
    let bytes = Buffer.from('a');
    for (let count = 0; count < layers; count += 1) bytes = gzipSync(bytes);
    await using server = await serve((_request, response) => {
      const coding = Array.from({ length: layers }, () => 'gzip').join(',');
      response.writeHead(200, { 'content-encoding': coding }).end(bytes);
    });
    await expect(world().request({ url: server.url })).rejects.toMatchObject(REFUSED);
  });

  test('endless empty blocks, which are work and no bytes', async () => {
    const head = Buffer.from('1f8b0800000000000003', 'hex');
    const empty = Buffer.alloc(5 * 13_107, Buffer.from('000000ffff', 'hex'));
    await using server = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n');
      socket.write(head);
      keepWriting(socket, empty);
    });
    const answer = world().request({ url: server.url, maxBytes: 1000 });
    await expect(answer).rejects.toMatchObject(REFUSED);
    await server.allClosed();
  });

  test('a body over the bound of a request, though it is within that of the hub', async () => {
    await using server = await serve((_request, response) => response.end('x'.repeat(11)));
    const { request } = world();
    const answer = request({ url: server.url, maxBytes: 10 });
    await expect(answer).rejects.toMatchObject(REFUSED);
    expect(await request({ url: server.url, maxBytes: 11 })).toMatchObject({ sizeBytes: 11 });
  });
});

describe('what never ends is ended', () => {
  const ended = async (
    speak: (socket: Socket) => void,
    { code, timeoutMs = 300 }: { readonly code: string; readonly timeoutMs?: number },
  ): Promise<void> => {
    await using server = await serveRaw(speak);
    const startedAt = performance.now();
    const answer = world({ grants: ['*'] }).request({ url: server.url, timeoutMs });
    await expect(answer).rejects.toMatchObject({ code });
    await server.allClosed();
    expect(performance.now() - startedAt).toBeLessThan(timeoutMs + 5000);
  };

  test('an endless body', async () => {
    await ended(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        keepWriting(socket, Buffer.alloc(65_536));
      },
      { code: 'NET_RESPONSE_REFUSED', timeoutMs: 5000 },
    );
  });

  test('endless chunks', async () => {
    await ended(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        keepWriting(socket, Buffer.from(`1000\r\n${'x'.repeat(4096)}\r\n`));
      },
      { code: 'NET_RESPONSE_REFUSED', timeoutMs: 5000 },
    );
  });

  test('endless headers', async () => {
    await ended(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        keepWriting(socket, Buffer.from(`X: ${'a'.repeat(1000)}\r\n`));
      },
      { code: 'NET_RESPONSE_REFUSED', timeoutMs: 5000 },
    );
  });

  test('headers that come byte by byte', async () => {
    await ended((socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX: aaaaaaaaaaaaaaaa'), {
      code: 'STEP_TIMED_OUT',
    });
  });

  test('a body that comes byte by byte', async () => {
    await ended(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
        drip(socket, 'x');
      },
      { code: 'STEP_TIMED_OUT' },
    );
  });

  test('a server that says nothing', async () => {
    await ended(() => {}, { code: 'STEP_TIMED_OUT' });
  });

  test('endless “103 Early Hints”', async () => {
    await ended((socket) => keepWriting(socket, Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n')), {
      code: 'STEP_TIMED_OUT',
    });
  });

  test('redirects that each take a while: one time bounds them all', async () => {
    await ended(
      (socket) => {
        const later = setTimeout(() => {
          socket.end('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n');
        }, 100);
        socket.on('close', () => clearTimeout(later));
      },
      { code: 'STEP_TIMED_OUT', timeoutMs: 250 },
    );
  });

  test('a resolver that never answers', async () => {
    const resolve = async () => await new Promise<readonly string[]>(() => {});
    const answer = world({ resolve }).request({ url: 'https://slow.example/', timeoutMs: 100 });
    await expect(answer).rejects.toMatchObject({
      code: 'STEP_TIMED_OUT',
      data: { timeoutMs: 100 },
    });
  });

  test('a server that never takes the request’s body', async () => {
    await using server = await serveRaw((socket) => void socket.pause());
    const body = 'x'.repeat(524_288);
    const readBlob = async () => await Promise.resolve(Buffer.alloc(32 * MIB));
    const blob = { $blob: '1'.repeat(32), mime: 'a/b', sizeBytes: 9, sha256: '1'.repeat(64) };
    for (const sent of [body, blob]) {
      const request = { url: server.url, method: 'POST', body: sent, timeoutMs: 300 } as const;
      const answer = world({ readBlob }).request(request);
      await expect(answer).rejects.toMatchObject({ code: 'STEP_TIMED_OUT' });
    }
  });
});

describe('what is no honest response', () => {
  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'NET_RESPONSE_REFUSED'],
    [
      'a second length',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
      'NET_RESPONSE_REFUSED',
    ],
    [
      'both length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'NET_RESPONSE_REFUSED',
    ],
    [
      'a chunk of no length',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'NET_RESPONSE_REFUSED',
    ],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', 'NET_RESPONSE_REFUSED'],
    ['a body cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello', 'NET_UNREACHABLE'],
    [
      'a change of protocol',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'NET_UNREACHABLE',
    ],
    ['nothing', '', 'NET_UNREACHABLE'],
    [
      'half a gzip',
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u001f\u008bab',
      'NET_RESPONSE_REFUSED',
    ],
    [
      'brotli that is none',
      'HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd',
      'NET_RESPONSE_REFUSED',
    ],
    [
      'zstd that is none',
      'HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 4\r\n\r\nabcd',
      'NET_RESPONSE_REFUSED',
    ],
    [
      'deflate that is none',
      'HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 4\r\n\r\n\u0078bcd',
      'NET_RESPONSE_REFUSED',
    ],
  ])('%s', async (_name, text, code) => {
    await using server = await serveRaw((socket) => void socket.end(Buffer.from(text, 'latin1')));
    const answer = world().request({ url: server.url, timeoutMs: 5000 });
    await expect(answer).rejects.toMatchObject({ code });
  });

  test('a second response on the connection is not taken for the answer of anything', async () => {
    const one = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n${text}`;
    await using server = await serveRaw((socket) => void socket.end(`${one('one')}${one('two')}`));
    const { request } = world();
    expect(await request({ url: server.url })).toMatchObject({ text: 'one' });
    expect(await request({ url: server.url })).toMatchObject({ text: 'one' });
    expect(server.opened).toHaveLength(2);
  });

  test('a text that would not fit a frame as JSON', async () => {
    await using server = await serve((_request, response) =>
      response.end('\u0001'.repeat(500_000)),
    );
    await expect(world().request({ url: server.url })).rejects.toMatchObject(REFUSED);
  });

  test('headers named to change an object, or to end a line', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(200, ['__proto__', 'x', 'constructor', 'y', 'toString', 'z']).end('ok');
    });
    const { headers } = await world().request({ url: server.url });
    expect(Object.keys(headers)).toEqual(expect.arrayContaining(['constructor', 'tostring']));
    expect(Object.hasOwn(headers, '__proto__')).toBe(false);
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
  });

  test('a media type that is none becomes plain bytes', async () => {
    for (const type of ['a/b\u00e9', 'x'.repeat(200), 'text', `text/${'y'.repeat(150)}`]) {
      await using server = await serve((_request, response) => {
        response.writeHead(200, { 'content-type': type }).end('ok');
      });
      const { blob } = await world().request({ url: server.url, keep: 'blob' });
      expect(blob?.mime).toBe('application/octet-stream');
    }
  });

  test('text that is not UTF-8 comes with replacement characters', async () => {
    await using server = await serve((_request, response) =>
      response.end(Buffer.from([0x61, 0xff])),
    );
    expect(await world().request({ url: server.url })).toMatchObject({ text: 'a\u{FFFD}' });
  });
});

/** As fast as the peer takes it, until it goes. */
function keepWriting(socket: Socket, bytes: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}

/** One character at a time, for ever. */
function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => void socket.write(text[at++ % text.length] ?? ''), 10);
  socket.on('close', () => clearInterval(timer));
}
