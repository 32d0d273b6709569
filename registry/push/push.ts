import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { Caller } from '../auth/index.ts';
import type { Change } from '../parts.ts';

export interface PushPorts {
  /** Who connects, by the token they give; throws for one that does not hold. */
  caller(token: string | null, address: string): Caller;
  readable(caller: Caller): readonly string[];
  onChange(listener: (change: Change) => void): void;
}

/** Under which socket.io clients connect. */
const PATH = '/v1/events';
const MAX_SOCKETS = 1000;
const EVERYTHING = 'everything';

/**
 * Tells connected hubs at once that a version changed (`changed`, with id, version, state and log index); what that means
 * they read in the log. Clients send nothing; one that does is let go.
 */
export function attachPush(server: HttpServer, ports: PushPorts): Disposable {
  const io = new Server(server, {
    path: PATH,
    serveClient: false,
    transports: ['websocket'],
    maxHttpBufferSize: 4096,
    connectTimeout: 5000,
    allowRequest: (_request, decide) => decide(null, io.engine.clientsCount < MAX_SOCKETS),
  });
  io.use((socket, next) => {
    try {
      join(socket, ports);
      next();
    } catch {
      next(new Error('TOKEN_INVALID'));
    }
  });
  io.on('connection', (socket) => void socket.onAny(() => void socket.disconnect(true)));
  ports.onChange(({ plugin: id, version, state, logIndex, namespace, isPrivate }) => {
    const news = { id, version, state, logIndex };
    if (isPrivate) io.to([EVERYTHING, roomOf(namespace)]).emit('changed', news);
    else io.emit('changed', news);
  });
  return {
    [Symbol.dispose]: () => {
      io.disconnectSockets(true);
      io.engine.close();
    },
  };
}

function join(socket: Socket, ports: PushPorts): void {
  const auth: unknown = socket.handshake.auth['token'];
  const caller = ports.caller(typeof auth === 'string' ? auth : null, socket.handshake.address);
  const { token } = caller;
  if (token !== null && token.namespace === null) void socket.join(EVERYTHING);
  else for (const namespace of ports.readable(caller)) void socket.join(roomOf(namespace));
}

const roomOf = (namespace: string): string => `namespace ${namespace}`;
