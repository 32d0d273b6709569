import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, getCACertificates } from 'node:tls';

/** Where a connection goes: only to these addresses, whatever `host` may resolve to now. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** In the order of preference. */
  readonly addresses: readonly string[];
}

/** Starts a connection; the socket need not be connected yet. */
export type Connect = (to: Endpoint) => Socket;

/** Connects to one of the addresses, the next one soon when the first says nothing (RFC 8305). */
export const connectDirectly: Connect = ({ host, port, addresses }) => {
  const known = addresses.map((address) => ({
    address,
    family: isIP(address.replace(/%.*$/u, '')),
  }));
  return connectTcp({
    host,
    port,
    autoSelectFamily: true,
    // For an address as `host` it isn't called; then that address is the one that was checked.
    lookup: (_host, _options, done) => done(null, known),
  });
};

export async function openSocket(
  connect: Connect,
  to: Endpoint,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  return await ready(connect(to), 'connect', signal);
}

/** TLS to `host`, checked against the system's authorities and those given (PEM). Closes `socket` when it fails. */
export async function secureSocket(
  socket: Duplex,
  { host, authorities }: { readonly host: string; readonly authorities: readonly string[] },
  signal: AbortSignal,
): Promise<Socket> {
  const secure = connectTls({
    socket,
    host,
    // RFC 6066: no address is a server name.
    servername: isIP(host) === 0 ? host : '',
    ALPNProtocols: ['http/1.1'],
    // Also when NODE_TLS_REJECT_UNAUTHORIZED says otherwise.
    rejectUnauthorized: true,
    ...(authorities.length === 0 ? {} : { ca: [...getCACertificates('default'), ...authorities] }),
  });
  try {
    return await ready(secure, 'secureConnect', signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function ready<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  // Whoever uses it hears of errors by its closing; without a listener an error would end the hub.
  socket.on('error', () => {});
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
