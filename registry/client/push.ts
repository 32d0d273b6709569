/** What a registry sends when a version changed; only a reason to read the log. */
const CHANGED = 'changed';
const PATH = '/v1/events';
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/** Keeps a connection on which the registry says that something changed. What it sends is not looked at. */
export function listenForChanges(
  { url, token }: { readonly url: string; readonly token?: string },
  onChange: () => void,
): Disposable {
  const stack = new DisposableStack();
  void connect({ url, ...(token === undefined ? {} : { token }) }, onChange, stack);
  return stack;
}

async function connect(
  { url, token }: { readonly url: string; readonly token?: string },
  onChange: () => void,
  stack: DisposableStack,
): Promise<void> {
  // A hub without registries starts without it.
  const { io } = await import('socket.io-client');
  if (stack.disposed) return;
  const { origin, pathname } = new URL(url);
  const socket = io(origin, {
    path: `${pathname.replace(/\/$/u, '')}${PATH}`,
    transports: ['websocket'],
    forceNew: true,
    reconnectionDelay: FIRST_RETRY_MS,
    reconnectionDelayMax: LAST_RETRY_MS,
    ...(token === undefined ? {} : { auth: { token } }),
  });
  stack.defer(() => void socket.disconnect());
  // What happened while there was no connection was not heard.
  socket.on('connect', onChange);
  socket.on(CHANGED, onChange);
}
