import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import {
  artifactOf,
  makePublisher,
  openRegistry,
  post,
  type OpenRegistry,
  type Reply,
} from '../../registry/open-registry.ts';
import { at } from './api-stage.ts';

/** Bounds low enough to be reached: a minute's worth. */
const FEW = 5;

describe('a flood', () => {
  const flooding = async (
    limits: Parameters<typeof openRegistry>[0],
    act: (own: OpenRegistry) => Promise<Reply>,
  ): Promise<readonly string[]> => {
    await using own = await openRegistry(limits);
    const codes: string[] = [];
    for (let time = 0; time <= FEW; time++) codes.push(String((await act(own)).json.code));
    return codes;
  };
  const last = 'REGISTRY_RATE_EXCEEDED';

  test('of guessed tokens is refused after a few', async ({ task }) => {
    const codes = await flooding(
      { limits: { guessesPerMinute: FEW } },
      async (own) => await own.ask('GET', '/v1/plugins', { token: `hubr_${randomUUID()}` }),
    );
    task.meta.outcome = last;
    expect(codes).toEqual([...Array.from({ length: FEW }, () => 'TOKEN_INVALID'), last]);
  });

  test('of exchanges is refused after a few', async ({ task }) => {
    const json = { token: 'a.b.c', plugin: 'acme/ocr' };
    const codes = await flooding(
      { limits: { guessesPerMinute: FEW } },
      async (own) => await own.ask('POST', '/v1/auth/oidc/exchange', { json }),
    );
    task.meta.outcome = last;
    expect(codes).toEqual([...Array.from({ length: FEW }, () => 'TOKEN_EXCHANGE_REFUSED'), last]);
  });

  test('of publications by one token is refused, each a new version', async ({ task }) => {
    await using own = await openRegistry({ limits: { publishesPerMinute: FEW } });
    const eve = await makePublisher(own, 'eve');
    const codes: (string | number)[] = [];
    for (let patch = 0; patch <= FEW; patch++) {
      const { status, json } = await post(
        own.ask,
        eve,
        artifactOf('eve/many', `1.0.${String(patch)}`),
      );
      codes.push(json.code ?? status);
    }
    task.meta.outcome = last;
    expect(codes).toEqual([...Array.from({ length: FEW }, () => 201), last]);
  });
});

describe('a request that is none', () => {
  /** What the server says to raw bytes before it hangs up. */
  async function said(bytes: string): Promise<string> {
    const { hostname, port } = new URL(at.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.end(bytes);
    return (await text(socket)).split('\r\n')[0] ?? '';
  }
  const post_ = `POST /v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n`;
  test.each([
    ['two lengths', `${post_}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde`],
    [
      'a length and chunks',
      `${post_}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a chunk without end', `${post_}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n`],
    ['a header with a bare line feed', `GET /v1/ HTTP/1.1\nHost: x\n\n`],
    ['a header over 16 kB', `GET /v1/ HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.0\r\n\r\n'],
  ])('%s is answered with 4xx and the connection closed', async (_name, bytes) => {
    expect(await said(bytes)).toMatch(/^HTTP\/1\.1 4\d\d /u);
  });
});
