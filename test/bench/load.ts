import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { spread } from './figures.ts';

export interface Load {
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly perSecond: number;
}

/**
 * Reads `count` paths over so many kept connections, each waiting for its answer before it asks again. A bare socket: on
 * two cores a client library would cost more than the server. Throws for any answer but 200.
 */
export async function loadOf(
  url: string,
  { count, connections }: { readonly count: number; readonly connections: number },
  pathOf: (index: number) => string,
): Promise<Load> {
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const reader = await openReader(url);
      while (next < count) {
        const start = performance.now();
        await reader.read(pathOf((next += 1)));
        times.push(performance.now() - start);
      }
      reader.close();
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  return { ...spread(times), perSecond: times.length / seconds };
}

/** What ends a body without a length (RFC 9112 section 7.1). */
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

interface Reader {
  read(path: string): Promise<void>;
  close(): void;
}

async function openReader(url: string): Promise<Reader> {
  const { hostname, port, host } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  await once(socket, 'connect');
  let waiting = Promise.withResolvers<void>();
  let answer: Buffer = Buffer.alloc(0);
  socket.on('error', (error) => waiting.reject(error));
  socket.on('close', () => waiting.reject(new Error('The server hung up.')));
  socket.on('data', (bytes: Buffer) => {
    answer = answer.length === 0 ? bytes : Buffer.concat([answer, bytes]);
    const end = answer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = answer.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 200'))
      return waiting.reject(new Error(`It answered ${head.slice(0, 200)}`));
    const length = /\r\ncontent-length: *(\d+)/iu.exec(head)?.[1];
    const isWhole =
      length === undefined
        ? answer.subarray(-5).equals(LAST_CHUNK)
        : answer.length - end - 4 === Number(length);
    if (!isWhole) return;
    answer = Buffer.alloc(0);
    waiting.resolve();
  });
  return {
    read: async (path) => {
      waiting = Promise.withResolvers();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\n\r\n`);
      await waiting.promise;
    },
    close: () => {
      socket.removeAllListeners('close');
      socket.destroy();
    },
  };
}
