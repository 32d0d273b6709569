import type { X11Connection } from '@runtime-hub/plugin-sdk/x11';

/** As people read it. */
export const PANIC_KEY = 'Ctrl+Shift+Escape';

const ESCAPE = 0xff_1b;
const SHIFT = 1;
const CONTROL = 4;
/** Caps Lock, Num Lock, both or none: a lock must not disarm the key. */
const LOCKS = [0, 2, 16, 18] as const;
const ASYNCHRONOUS = 1;

/** Calls `pressed` whenever the panic key goes down; false when another program holds the key. */
export async function watchPanicKey(
  connection: X11Connection,
  pressed: () => void,
): Promise<boolean> {
  const keys = await keycodesOf(connection, ESCAPE);
  connection.onEvent((event) => {
    if (event.name === 'KeyPress' && event.keycode !== undefined && keys.includes(event.keycode)) {
      pressed();
    }
  });
  const held = await Promise.all(
    keys.flatMap((key) => LOCKS.map((lock) => grab(connection, key, CONTROL | SHIFT | lock))),
  );
  return held.length > 0 && held.every(Boolean);
}

async function keycodesOf(connection: X11Connection, keysym: number): Promise<readonly number[]> {
  const { min_keycode: first, max_keycode: final } = connection.display;
  const rows = await connection.ask<readonly number[][]>('GetKeyboardMapping', (client, reply) =>
    client.GetKeyboardMapping(first, final - first + 1, reply),
  );
  return rows.flatMap((row, index) => (row.includes(keysym) ? [first + index] : []));
}

async function grab(connection: X11Connection, key: number, modifiers: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  using _closing = connection.onClose(() => resolve(false));
  connection.client.GrabKey(
    connection.root,
    0,
    modifiers,
    key,
    ASYNCHRONOUS,
    ASYNCHRONOUS,
    (error) => {
      resolve(error === null || error === undefined);
      return true;
    },
  );
  return await promise;
}
