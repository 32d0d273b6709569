import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What a liar says in place of the truth; it may also answer by itself and return nothing. */
export type Lie = (
  truth: Buffer,
  asked: IncomingMessage,
  response: ServerResponse,
) => Buffer | string | null | Promise<Buffer | string | null>;

/** Somebody between a client and a registry, who passes everything on but for the paths it lies about. */
export interface Liar extends AsyncDisposable {
  readonly url: string;
  /** By the beginning of a path. */
  readonly lies: Map<string, Lie>;
}

export async function openLiar(registry: string): Promise<Liar> {
  const lies = new Map<string, Lie>();
  const server = createServer((asked, response) => {
    void answer(registry, lies, asked, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  // SAFETY: it listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    lies,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

async function answer(
  registry: string,
  lies: ReadonlyMap<string, Lie>,
  asked: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { url = '/', method = 'GET', headers } = asked;
  const body = await buffer(asked);
  const truth = await new Promise<IncomingMessage>((resolve, reject) => {
    const { 'if-none-match': _tag, host: _host, ...rest } = headers;
    const passed = request(`${registry}${url}`, { method, headers: rest, agent: false }, resolve);
    passed.on('error', reject);
    passed.end(body);
  });
  const bytes = await buffer(truth);
  const [, lie] = [...lies].find(([path]) => url.startsWith(path)) ?? [];
  const told = lie === undefined ? bytes : await lie(bytes, asked, response);
  if (told === null) return;
  const type = truth.headers['content-type'] ?? 'application/json';
  response.writeHead(truth.statusCode ?? 500, { 'content-type': type });
  response.end(told);
}
