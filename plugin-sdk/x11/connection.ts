import { HubError } from '../contract/index.ts';
import { loadX11, type XClient, type XDisplay, type XEvent, type XReply } from './client.ts';

const ANSWER_MS = 3000;

/** X protocol errors that mean: what was asked about is no longer there. */
const GONE: ReadonlySet<number> = new Set([3, 8, 9]);

/**
 * One connection to an X server. Every request has its own deadline, since requests that are open when the server
 * dies are never answered; after any SCREEN_UNAVAILABLE of `ask` the connection is closed.
 */
export class X11Connection implements Disposable {
  readonly client: XClient;
  readonly display: XDisplay;
  readonly root: number;
  readonly width: number;
  readonly height: number;
  readonly #name: string;
  readonly #atoms = new Map<string, Promise<number>>();
  readonly #onEvent = new Set<(event: XEvent) => void>();
  readonly #onClose = new Set<(error: HubError) => void>();
  #closed: HubError | null = null;

  constructor(client: XClient, display: XDisplay, name: string) {
    const screen = display.screen[0];
    if (screen === undefined) throw unavailable(`The X server ${name} has no screen.`);
    this.client = client;
    this.display = display;
    this.root = screen.root;
    this.width = screen.pixel_width;
    this.height = screen.pixel_height;
    this.#name = name;
    client.on('event', (event) => {
      for (const listener of this.#onEvent) listener(event);
    });
    client.on('end', () => this.#close('closed the connection'));
    client.on('error', (error) => {
      if (!('error' in error)) this.#close(`is gone (${error.message})`);
    });
  }

  get closed(): boolean {
    return this.#closed !== null;
  }

  /** Sends one request and waits for its reply. Rejects with SCREEN_UNAVAILABLE. */
  async ask<T>(what: string, send: (client: XClient, reply: XReply<T>) => void): Promise<T> {
    const { found } = await this.#request(what, send, false);
    return found;
  }

  /** As `ask`, but null when the window or drawable asked about is not there (BadWindow, BadMatch, BadDrawable). */
  async probe<T>(
    what: string,
    send: (client: XClient, reply: XReply<T>) => void,
  ): Promise<T | null> {
    const answer = await this.#request<T | null>(what, send, true);
    return answer.found;
  }

  /** Resolves when the server has done everything sent so far. */
  async sync(): Promise<void> {
    await this.ask('GetInputFocus', (client, reply) => client.GetInputFocus(reply));
  }

  atom(name: string): Promise<number> {
    const known = this.#atoms.get(name);
    if (known !== undefined) return known;
    const asked = this.ask<number>('InternAtom', (client, reply) =>
      client.InternAtom(false, name, reply),
    );
    this.#atoms.set(name, asked);
    return asked;
  }

  onEvent(listener: (event: XEvent) => void): Disposable {
    this.#onEvent.add(listener);
    return { [Symbol.dispose]: () => void this.#onEvent.delete(listener) };
  }

  /** Calls `listener` once when the connection ends; at once when it has. */
  onClose(listener: (error: HubError) => void): Disposable {
    if (this.#closed !== null) listener(this.#closed);
    else this.#onClose.add(listener);
    return { [Symbol.dispose]: () => void this.#onClose.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#close('is no longer used');
  }

  #request<T>(
    what: string,
    send: (client: XClient, reply: XReply<T>) => void,
    mayBeGone: boolean,
  ): Promise<{ readonly found: T }> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly found: T }>();
    const closing = this.onClose(reject);
    const late = setTimeout(
      () => this.#close(`did not answer ${what} in ${String(ANSWER_MS)} ms`),
      ANSWER_MS,
    );
    send(this.client, (error, value) => {
      clearTimeout(late);
      closing[Symbol.dispose]();
      if (error === null || error === undefined) resolve({ found: value });
      // SAFETY: only `probe` passes mayBeGone, and its T includes null.
      else if (mayBeGone && GONE.has(error.error)) resolve({ found: null as T });
      else reject(unavailable(`The X server refused ${what}: ${error.message}`, error));
      return true;
    });
    return promise.finally(() => clearTimeout(late));
  }

  #close(how: string): void {
    if (this.#closed !== null) return;
    this.#closed = unavailable(`The X server ${this.#name} ${how}.`);
    this.client.stream?.destroy();
    for (const listener of this.#onClose) listener(this.#closed);
    this.#onClose.clear();
    this.#onEvent.clear();
  }
}

/** Connects to the X server `name` (as in DISPLAY). Rejects with SCREEN_UNAVAILABLE, at the latest after `timeoutMs`. */
export async function openX11(name: string, timeoutMs = ANSWER_MS): Promise<X11Connection> {
  const x11 = await loadX11();
  const { promise, resolve, reject } = Promise.withResolvers<X11Connection>();
  const fail = (error: Error): void =>
    reject(unavailable(`The X server ${name} cannot be reached: ${error.message}`, error));
  const late = setTimeout(() => fail(new Error(`no answer in ${String(timeoutMs)} ms`)), timeoutMs);
  let client: XClient | undefined;
  try {
    client = x11.createClient(
      {
        display: name,
        shm: 'off',
        disableBigRequests: true,
        bufferRequests: { flushOnReply: false },
      },
      (error, display) => {
        if (error !== null && error !== undefined) fail(error);
        else if (client !== undefined) resolve(new X11Connection(client, display, name));
      },
    );
    client.on('error', fail);
    return await promise;
  } catch (error) {
    client?.stream?.destroy();
    throw error instanceof HubError ? error : unavailable(`“${name}” is no X display.`, error);
  } finally {
    clearTimeout(late);
  }
}

export function unavailable(message: string, cause?: unknown): HubError<'SCREEN_UNAVAILABLE'> {
  return new HubError(
    'SCREEN_UNAVAILABLE',
    { message },
    ...(cause === undefined ? [] : [{ cause }]),
  );
}
