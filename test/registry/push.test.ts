import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  makePublisher,
  openRegistry,
  publishOne,
  type OpenRegistry,
  type Publisher,
} from './open-registry.ts';

let at: OpenRegistry;
let acme: Publisher;
let secret: Publisher;
const sockets: Socket[] = [];

beforeAll(async () => {
  at = await openRegistry();
  acme = await makePublisher(at, 'acme');
  secret = await makePublisher(at, 'skunkworks', { visibility: 'private' });
});
afterAll(async () => {
  for (const socket of sockets) socket.disconnect();
  await at[Symbol.asyncDispose]();
});

interface News {
  readonly id: string;
  readonly version: string;
  readonly state: string;
}

/** A connection and what it was told. */
async function listen(token?: string): Promise<{
  readonly socket: Socket;
  readonly news: News[];
  readonly until: (id: string) => Promise<News>;
}> {
  const socket = io(at.url, {
    path: '/v1/events',
    transports: ['websocket'],
    forceNew: true,
    ...(token === undefined ? {} : { auth: { token } }),
  });
  sockets.push(socket);
  const news: News[] = [];
  const until = async (id: string) =>
    await new Promise<News>((resolve) => {
      const known = news.find((it) => it.id === id);
      if (known !== undefined) resolve(known);
      else socket.on('changed', (it: News) => void (it.id === id && resolve(it)));
    });
  socket.on('changed', (it: News) => void news.push(it));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return { socket, news, until };
}

test('whoever listens hears of a publication and a revocation at once', async () => {
  const { news, until, socket } = await listen();
  await publishOne(at, acme, 'ocr');
  expect(await until('acme/ocr')).toMatchObject({ version: '1.0.0', state: 'active' });
  const revoked = new Promise(
    (resolve) =>
      void socket.on('changed', (it: News) => void (it.state === 'revoked' && resolve(it))),
  );
  await at.ask('POST', '/v1/plugins/acme/ocr/1.0.0/revoke', {
    token: acme.token,
    json: { reason: 'stolen key' },
  });
  expect(await revoked).toMatchObject({ id: 'acme/ocr', state: 'revoked' });
  expect(news).toHaveLength(2);
});

test('of private plugins only their readers hear', async () => {
  const [stranger, reader, admin] = await Promise.all([
    listen(acme.token),
    listen(secret.token),
    listen(at.registry.adminToken ?? ''),
  ]);
  await publishOne(at, secret, 'rocket');
  await publishOne(at, acme, 'after');
  expect(await reader.until('skunkworks/rocket')).toMatchObject({ state: 'active' });
  expect(await admin.until('skunkworks/rocket')).toMatchObject({ state: 'active' });
  await stranger.until('acme/after');
  expect(stranger.news.map((it) => it.id)).toEqual(['acme/after']);
});

test('a token that does not hold is not let in, and who sends something is let go', async () => {
  await expect(listen('hubr_made-up-made-up-made-up')).rejects.toThrow('TOKEN_INVALID');
  const { socket } = await listen();
  const gone = new Promise((resolve) => void socket.once('disconnect', resolve));
  socket.emit('changed', { id: 'acme/ocr' });
  expect(await gone).toBe('io server disconnect');
});
