import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Caller, ServiceUse } from '@runtime-hub/kernel';
import {
  HubError,
  capabilityText,
  covers,
  pluginId,
  type BlobHandle,
  type HttpRequest,
  type HttpResponse,
  type Need,
} from '@runtime-hub/plugin-sdk/contract';
import type { Endpoint } from '../../../../../studio/server/services/http/connection.ts';
import {
  createHttpService,
  type HttpPorts,
} from '../../../../../studio/server/services/http/http-service.ts';
import { createRedactor } from '../../../../../studio/server/services/secrets/redactor.ts';
import type { SecretSource } from '../../../../../studio/server/services/secrets/secret-store.ts';
import { systemClock } from '../../../../../studio/server/system.ts';

export const caller: Caller = {
  plugin: pluginId('acme/http'),
  run: null,
  workspace: 'default',
  workflow: 'w',
  node: 'n',
  host: 'h',
};

/** A public address; nothing is ever sent there: the connection spy leads it to loopback. */
export const PUBLIC = '93.184.215.14';

/** A server on loopback, until it is disposed. */
export interface Served extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

type Listening = { address(): AddressInfo | string | null; close(): unknown };

function portOf(server: Listening): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

/** An honest HTTP server, and what it was asked. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<Served & { readonly seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { seen, port, url: `http://127.0.0.1:${String(port)}`, [Symbol.asyncDispose]: close };
}

/** A server that speaks bytes; `closed` counts connections that are over. */
export async function serveRaw(
  speak: (socket: Socket, count: number) => void,
): Promise<Served & { readonly opened: Socket[]; allClosed(): Promise<void> }> {
  const opened: Socket[] = [];
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    opened.push(socket);
    speak(socket, opened.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  return {
    opened,
    port,
    url: `http://127.0.0.1:${String(port)}`,
    async allClosed() {
      for (const socket of opened) {
        // An end is noticed only by who reads.
        socket.resume();
        if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of opened) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Secrets that are only here, and a redactor that learns them when they are used. */
export function secretsOf(values: Readonly<Record<string, string>>): SecretSource & {
  readonly revealed: string[];
} {
  const redactor = createRedactor();
  const revealed: string[] = [];
  return {
    redactor,
    revealed,
    reveal(name) {
      const value = values[name];
      if (value === undefined) throw new HubError('SECRET_NOT_FOUND', { secret: name });
      revealed.push(name);
      redactor.add(name, value);
      return value;
    },
  };
}

export interface WorldOptions extends Partial<HttpPorts> {
  /** What redirects may ask for. */
  readonly grants?: readonly string[];
  /** Where the connection spy leads every connection; to where they were meant to go when left out. */
  readonly port?: number;
}

export interface World {
  readonly asked: Need[];
  readonly connections: Endpoint[];
  readonly kept: { bytes: Buffer; mime: string }[];
  readonly request: (
    request: Partial<HttpRequest> & { readonly url: string },
    signal?: AbortSignal,
  ) => Promise<HttpResponse>;
}

/** The service as a plugin meets it, with a spy on connections. */
export function world({ grants = [], port, ...ports }: WorldOptions = {}): World {
  const asked: Need[] = [];
  const connections: Endpoint[] = [];
  const kept: { bytes: Buffer; mime: string }[] = [];
  const service = createHttpService({
    clock: systemClock,
    secrets: secretsOf({}),
    networks: ['127.0.0.0/8'],
    keepBlob: async (bytes, mime) => {
      kept.push({ bytes, mime });
      return await Promise.resolve(handleOf(bytes, mime));
    },
    readBlob: async () => await Promise.resolve(Buffer.from('of a blob')),
    connect: (to) => {
      connections.push(to);
      const [host = ''] = to.addresses;
      return port === undefined
        ? connectTcp({ host, port: to.port })
        : connectTcp({ host: '127.0.0.1', port });
    },
    ...ports,
  });
  const permit = (need: Need): void => {
    asked.push(need);
    const held = grants.some((target) => covers({ capability: 'net.http', target }, need));
    if (held) return;
    throw new HubError('CAPABILITY_DENIED', { plugin: caller.plugin, need: capabilityText(need) });
  };
  return {
    asked,
    connections,
    kept,
    request: async (request, signal = new AbortController().signal) => {
      const use: ServiceUse = { caller, signal, permit };
      const args = { method: 'GET' as const, ...request };
      // SAFETY: the service answers what the contract says; the broker checks it.
      return (await service.call('request', args, use)) as HttpResponse;
    },
  };
}

const handleOf = (bytes: Buffer, mime: string): BlobHandle => ({
  $blob: '0'.repeat(32),
  mime,
  sizeBytes: bytes.length,
  sha256: '0'.repeat(64),
});
