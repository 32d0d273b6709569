import { createServer, type RequestListener, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { identify } from '../../../registry/client/index.ts';
import {
  TAKE_ALL,
  bringUpToDate,
  mirrorFolder,
  writeUplink,
  type Filters,
  type LookOptions,
  type SyncReport,
  type Uplink,
} from '../../../registry/mirror/index.ts';
import { temporaryFolder } from '../../support/hub.ts';
import {
  ORIGIN,
  artifactOf,
  makePublisher,
  openRegistry,
  post,
  type OpenRegistry,
  type Publisher,
} from '../open-registry.ts';

/** A registry with a publisher, and a folder in which another registry keeps mirrors. */
export interface MirrorScene extends AsyncDisposable {
  readonly at: OpenRegistry;
  readonly acme: Publisher;
  /** Data folder of the mirroring registry. */
  readonly data: string;
  /** The mirror's own folder in it. */
  readonly folder: string;
  uplink(filters?: Partial<Filters>, more?: Partial<Uplink>): Promise<Uplink>;
  /** One look at the origin, or at whatever answers at `url` in its stead. */
  look(uplink: Uplink, options?: LookOptions & { readonly url?: string }): Promise<SyncReport>;
  publish(name: string, version: string, more?: Readonly<Record<string, unknown>>): Promise<void>;
  move(name: string, version: string, to: string, reason?: string): Promise<void>;
}

export async function mirrorScene(): Promise<MirrorScene> {
  const parts = new AsyncDisposableStack();
  const at = parts.use(await openRegistry());
  const acme = await makePublisher(at, 'acme');
  const { path: data } = parts.use(temporaryFolder('mirroring'));
  const folder = mirrorFolder(data, ORIGIN);
  return {
    ...{ at, acme, data, folder },
    uplink: async (filters = {}, more = {}) => {
      const roots = parts.use(temporaryFolder('roots')).path;
      const found = await identify({ url: at.url, folder: roots, fingerprint: null });
      const { origin, logKey, tufRootSha256 } = found;
      const uplink = {
        ...{ origin, url: at.url, logKey, tufRootSha256, maxMetadataAgeHours: 168 },
        ...{ everyMinutes: 1, pull: false, filters: { ...TAKE_ALL, ...filters }, ...more },
      };
      writeUplink(folder, uplink);
      return uplink;
    },
    look: async (uplink, { url = at.url, ...options } = {}) => {
      const ports = { folder, uplink, now: () => at.clock.now(), own: new Set<string>() };
      return await bringUpToDate(ports, { url }, options);
    },
    publish: async (name, version, more = {}) => {
      const reply = await post(at.ask, acme, artifactOf(`acme/${name}`, version, more));
      if (reply.status !== 201) throw new Error(reply.text);
    },
    move: async (name, version, to, reason = 'why') => {
      const path = `/v1/plugins/acme/${name}/${version}/${to}`;
      const reply = await at.ask('POST', path, { token: acme.token, json: { reason } });
      if (reply.status !== 200) throw new Error(reply.text);
    },
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  };
}

export interface Peer extends AsyncDisposable {
  readonly url: string;
}

/** A server on loopback that answers whatever a test wants. */
export async function serving(listener: RequestListener): Promise<Peer> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // SAFETY: it listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

/** A web server that knows files and nothing else: no queries, no POST, a page for a folder. */
export async function servingFiles(folder: string): Promise<Peer> {
  return await serving((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (path.endsWith('/')) return void response.writeHead(200).end('<html>a folder</html>');
    readFile(join(folder, path)).then(
      (bytes) => response.writeHead(200).end(bytes),
      (error: NodeJS.ErrnoException) =>
        error.code === 'EISDIR'
          ? response.writeHead(301, { location: `${path}/` }).end()
          : response.writeHead(404).end('not found'),
    );
  });
}

/** Passes requests on to a registry, and changes what comes back. */
export async function between(
  url: string,
  change: (path: string, body: Buffer, status: number) => Buffer | null,
): Promise<Peer> {
  return await serving((request, response) => {
    const path = request.url ?? '';
    fetch(url + path).then(
      async (answer) => {
        const body = change(path, Buffer.from(await answer.arrayBuffer()), answer.status);
        if (body === null) return void response.destroy();
        response.writeHead(answer.status).end(body);
      },
      () => response.destroy(),
    );
  });
}
