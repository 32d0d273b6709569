import { openX11, unavailable, type X11Connection } from './connection.ts';

/** Keeps one connection and what a driver prepared on it; opens a new one at the next use after it ended. */
export interface X11Session<T> extends Disposable {
  /** Rejects with SCREEN_UNAVAILABLE. */
  use(): Promise<{ readonly connection: X11Connection; readonly prepared: T }>;
}

type Opened<T> = { readonly connection: X11Connection; readonly prepared: T };

/** `display` is asked at each connect; without it the environment is (DISPLAY). */
export function createX11Session<T>(
  prepare: (connection: X11Connection) => Promise<T>,
  display?: string,
): X11Session<T> {
  let current: Promise<Opened<T>> | null = null;
  let open: X11Connection | null = null;

  const start = async (): Promise<Opened<T>> => {
    const connection = await openX11(display ?? displayName(process.env));
    open = connection;
    connection.onClose(() => {
      if (open === connection) current = null;
    });
    return { connection, prepared: await prepare(connection) };
  };

  return {
    use() {
      current ??= start().catch((error: unknown) => {
        current = null;
        open?.[Symbol.dispose]();
        throw error;
      });
      return current;
    },
    [Symbol.dispose]() {
      open?.[Symbol.dispose]();
      current = null;
    },
  };
}

/** The X display to use. Throws SCREEN_UNAVAILABLE with the reason when there is none. */
export function displayName(environment: Readonly<Record<string, string | undefined>>): string {
  const name = environment['DISPLAY'];
  if (name !== undefined && name !== '') return name;
  if (environment['WAYLAND_DISPLAY'] !== undefined) {
    throw unavailable(
      'This is a Wayland session without X: Wayland lets no program see the screen or move the mouse. Log in to an X11 session.',
    );
  }
  throw unavailable('There is no screen: DISPLAY is not set.');
}
