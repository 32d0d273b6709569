/** The little of AbortSignal that plugin code uses, for an isolate, which has none of its own. */
class IsolateSignal {
  aborted = false;
  reason: unknown = undefined;
  onabort: ((event: { readonly type: 'abort' }) => void) | null = null;
  readonly #listeners = new Set<(event: { readonly type: 'abort' }) => void>();

  addEventListener(type: string, listener: (event: { readonly type: 'abort' }) => void): void {
    if (type === 'abort') this.#listeners.add(listener);
  }

  removeEventListener(_type: string, listener: (event: { readonly type: 'abort' }) => void): void {
    this.#listeners.delete(listener);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  /** Called by the controller, once. */
  fire(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    const event = { type: 'abort' } as const;
    const listeners = [...this.#listeners];
    if (this.onabort !== null) listeners.push(this.onabort);
    for (const listener of listeners) notify(listener, event);
  }
}

function notify(
  listener: (event: { readonly type: 'abort' }) => void,
  event: { readonly type: 'abort' },
) {
  try {
    listener(event);
  } catch {
    // A listener's error is the plugin's own matter and must not keep the others from hearing.
  }
}

/** An AbortController for an isolate. */
export function isolateAbortController(): Pick<AbortController, 'abort' | 'signal'> {
  const signal = new IsolateSignal();
  return {
    // SAFETY: plugin code uses what IsolateSignal has; the DOM's other members don't exist in an isolate.
    signal: signal as unknown as AbortSignal,
    abort: (reason: unknown) => {
      if (!signal.aborted) signal.fire(reason);
    },
  };
}
