import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { AddressRule } from './addresses.ts';
import { openSocket, secureSocket, type Connect } from './connection.ts';
import { openTunnel } from './exchange.ts';
import type { Resolve } from './lookups.ts';
import { unreachable } from './failures.ts';
import type { Proxy, ProxyRule } from './proxy.ts';
import type { Hop } from './redirects.ts';
import { orAborted } from './signals.ts';

export interface RoutePorts {
  readonly addressRule: AddressRule;
  readonly proxyRule: ProxyRule;
  readonly resolve: (hostname: string, signal: AbortSignal) => Promise<readonly string[]>;
  readonly connect: Connect;
  /** Authorities (PEM) trusted besides the system's. */
  readonly authorities: readonly string[];
}

/** A connection over which a hop's request can be sent. */
export interface Route {
  readonly socket: Duplex;
  /** What the request line says. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** How long a name may take that the proxy will resolve anyway. */
const PROXIED_LOOKUP_MS = 2000;

export const resolveBySystem: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address);

/** Checks where a hop leads and connects there. Rejects with NET_ADDRESS_REFUSED, NET_UNREACHABLE or what a socket says. */
export async function openRoute(ports: RoutePorts, hop: Hop, signal: AbortSignal): Promise<Route> {
  const proxy = ports.proxyRule(hop.url);
  if (proxy !== null) return await openProxied(ports, hop, proxy, signal);
  const host = hostnameOf(hop.url);
  const addresses = await checkedAddresses(ports, hop, signal);
  const socket = await openSocket(
    ports.connect,
    { host, port: portOf(hop.url), addresses },
    signal,
  );
  const { pathname, search } = hop.url;
  return {
    socket: await secured(ports, hop.url, socket, signal),
    path: `${pathname}${search}`,
    headers: [],
  };
}

/**
 * Resolves once and checks every address: the connection goes to one of these, so a second answer changes nothing.
 * One address that is refused refuses all, else a name could carry a private address along.
 */
async function checkedAddresses(
  { addressRule, resolve }: RoutePorts,
  hop: Hop,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = hostnameOf(hop.url);
  const addresses =
    isIP(host) === 0 ? await orAborted(lookedUp(hop, resolve(host, signal)), signal) : [host];
  if (addresses.length === 0) throw unreachable(hop.host, 'its name has no address');
  for (const address of addresses) {
    const reason = addressRule(address);
    if (reason !== null) throw new HubError('NET_ADDRESS_REFUSED', { host: hop.host, reason });
  }
  return addresses;
}

async function lookedUp(
  { host }: Hop,
  looking: Promise<readonly string[]>,
): Promise<readonly string[]> {
  return await looking.catch(() => {
    throw unreachable(host, 'its name could not be looked up');
  });
}

/**
 * Through the admin's proxy, which resolves names and decides itself what it reaches. What the hub knows to be
 * refused is not asked of it; names that only the proxy knows are.
 */
async function openProxied(
  ports: RoutePorts,
  hop: Hop,
  proxy: Proxy,
  signal: AbortSignal,
): Promise<Route> {
  await checkForProxy(ports, hop, signal);
  const host = hostnameOf(proxy.url);
  const port = portOf(proxy.url);
  const plain = await openSocket(ports.connect, { host, port, addresses: [host] }, signal);
  const socket = await secured(ports, proxy.url, plain, signal);
  const { authorization } = proxy;
  if (hop.url.protocol === 'http:') {
    const headers = authorization === null ? [] : [['proxy-authorization', authorization] as const];
    return { socket, path: hop.url.href, headers };
  }
  const { hostname, pathname, search } = hop.url;
  const authority = `${hostname.replace(/\.$/u, '')}:${String(portOf(hop.url))}`;
  const tunnel = await openTunnel(socket, { authority, authorization }, signal);
  const target = await secured(ports, hop.url, tunnel, signal);
  return { socket: target, path: `${pathname}${search}`, headers: [] };
}

async function checkForProxy(ports: RoutePorts, hop: Hop, signal: AbortSignal): Promise<void> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(PROXIED_LOOKUP_MS)]);
  try {
    await checkedAddresses(ports, hop, soon);
  } catch (error) {
    if (HubError.is(error, 'NET_ADDRESS_REFUSED')) throw error;
    signal.throwIfAborted();
  }
}

async function secured(
  { authorities }: RoutePorts,
  url: URL,
  socket: Duplex,
  signal: AbortSignal,
): Promise<Duplex> {
  if (url.protocol === 'http:') return socket;
  return await secureSocket(socket, { host: hostnameOf(url), authorities }, signal);
}

const hostnameOf = ({ hostname }: URL): string =>
  hostname.replace(/^\[(.*)\]$/u, '$1').replace(/\.$/u, '');

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'http:' ? 80 : 443;
}
