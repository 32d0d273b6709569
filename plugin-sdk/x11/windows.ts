import type { Region } from '../contract/index.ts';
import type { XProperty } from './client.ts';
import type { X11Connection } from './connection.ts';

const ANY_TYPE = 0;
const MAX_WORDS = 65_536;
const VIEWABLE = 2;
const MAX_DEPTH = 5;
const MAX_WINDOWS = 2000;
const MAX_NESTING = 32;

/** True when a window's title fits: equal, or beginning with what stands before a final `*`. */
export function titleFits(pattern: string, title: string): boolean {
  if (pattern.endsWith('*')) return title.startsWith(pattern.slice(0, -1));
  return title === pattern;
}

/** A window that is on the screen and where its client area is, in physical pixels. */
export interface PlacedWindow {
  readonly window: number;
  readonly region: Region;
}

/** Windows found before, by title: asking them first costs one round trip instead of four. */
const found = new WeakMap<X11Connection, Map<string, number>>();

/** The window with this title that is on the screen; null when there is none. The same one as before while it fits. */
export async function locateWindow(
  connection: X11Connection,
  title: string,
): Promise<PlacedWindow | null> {
  const known = found.get(connection) ?? new Map<string, number>();
  found.set(connection, known);
  const before = known.get(title);
  if (before !== undefined) {
    const [fits, region] = await Promise.all([
      hasTitle(connection, before, title),
      placeOfWindow(connection, before),
    ]);
    if (fits && region !== null) return { window: before, region };
    known.delete(title);
  }
  const window = await findWindow(connection, title);
  const region = window === null ? null : await placeOfWindow(connection, window);
  if (window === null || region === null) return null;
  if (known.size >= MAX_WINDOWS) known.clear();
  known.set(title, window);
  return { window, region };
}

/**
 * Asks the window manager's list, oldest first, so that raising a window never changes which one is meant; then the
 * tree of windows (no window manager, or not managed).
 */
async function findWindow(connection: X11Connection, title: string): Promise<number | null> {
  const managed = await firstFitting(connection, await clientList(connection), title);
  if (managed !== null) return managed;
  let level: readonly number[] = [connection.root];
  for (let depth = 0, seen = 0; depth < MAX_DEPTH && level.length > 0; depth += 1) {
    level = (await Promise.all(level.map((parent) => childrenOf(connection, parent)))).flat();
    seen += level.length;
    if (seen > MAX_WINDOWS) return null;
    const fitting = await firstFitting(connection, level, title);
    if (fitting !== null) return fitting;
  }
  return null;
}

/** The client area of a window in physical pixels of the screen; null when it is gone or not shown. */
async function placeOfWindow(connection: X11Connection, window: number): Promise<Region | null> {
  const [origin, size, attributes] = await Promise.all([
    connection.probe<{ readonly destX: number; readonly destY: number }>(
      'TranslateCoordinates',
      (client, reply) => client.TranslateCoordinates(window, connection.root, 0, 0, reply),
    ),
    connection.probe<{ readonly width: number; readonly height: number }>(
      'GetGeometry',
      (client, reply) => client.GetGeometry(window, reply),
    ),
    mapState(connection, window),
  ]);
  if (origin === null || size === null || attributes !== VIEWABLE) return null;
  return { x: origin.destX, y: origin.destY, width: size.width, height: size.height };
}

interface Spot {
  readonly x: number;
  readonly y: number;
}

/** Windows around a window, the root first: asking all of them at once costs one round trip instead of one each. */
const around = new WeakMap<X11Connection, Map<number, readonly number[]>>();

/** True when `window` or something inside it is what a click at this point of the screen would reach. */
export async function isWindowAt(
  connection: X11Connection,
  window: number,
  at: Spot,
): Promise<boolean> {
  const known = around.get(connection) ?? new Map<number, readonly number[]>();
  around.set(connection, known);
  const before = known.get(window) ?? [];
  const steps = await Promise.all(before.map((it) => childAt(connection, it, at)));
  const path = [...before, window];
  if (before.length > 0 && steps.every((child, depth) => child === path[depth + 1])) return true;
  const outer = await pathTo(connection, window, at);
  if (outer === null) return false;
  if (known.size >= MAX_WINDOWS) known.clear();
  known.set(window, outer);
  return true;
}

/** The windows to go through from the root to reach `window` at this point; null when something else is there. */
async function pathTo(
  connection: X11Connection,
  window: number,
  at: Spot,
): Promise<readonly number[] | null> {
  const path = [connection.root];
  for (let inside = connection.root; path.length <= MAX_NESTING; path.push(inside)) {
    const child = await childAt(connection, inside, at);
    if (child === window) return path;
    if (child === 0) return null;
    inside = child;
  }
  return null;
}

/** The window directly inside `window` at this point of the screen; 0 when there is none. */
async function childAt(connection: X11Connection, window: number, at: Spot): Promise<number> {
  const found = await connection.probe<{ readonly child: number }>(
    'TranslateCoordinates',
    (client, reply) => client.TranslateCoordinates(connection.root, window, at.x, at.y, reply),
  );
  return found?.child ?? 0;
}

async function firstFitting(
  connection: X11Connection,
  windows: readonly number[],
  title: string,
): Promise<number | null> {
  const fits = await Promise.all(windows.map((window) => hasTitle(connection, window, title)));
  for (const window of windows.filter((_, index) => fits[index] === true)) {
    if ((await mapState(connection, window)) === VIEWABLE) return window;
  }
  return null;
}

async function hasTitle(
  connection: X11Connection,
  window: number,
  pattern: string,
): Promise<boolean> {
  const [utf8, modern, plain] = await Promise.all([
    connection.atom('UTF8_STRING'),
    property(connection, window, '_NET_WM_NAME'),
    property(connection, window, 'WM_NAME'),
  ]);
  const titles = [modern, plain].flatMap((name) =>
    name === null || name.data.length === 0
      ? []
      : [name.data.toString(name.type === utf8 ? 'utf8' : 'latin1')],
  );
  return titles.some((title) => titleFits(pattern, title));
}

async function clientList(connection: X11Connection): Promise<readonly number[]> {
  const list = await property(connection, connection.root, '_NET_CLIENT_LIST');
  if (list === null) return [];
  return Array.from({ length: Math.floor(list.data.length / 4) }, (_, index) =>
    list.data.readUInt32LE(index * 4),
  );
}

async function childrenOf(connection: X11Connection, parent: number): Promise<readonly number[]> {
  const tree = await connection.probe<{ readonly children: readonly number[] }>(
    'QueryTree',
    (client, reply) => client.QueryTree(parent, reply),
  );
  return tree?.children ?? [];
}

async function mapState(connection: X11Connection, window: number): Promise<number | null> {
  const attributes = await connection.probe<{ readonly mapState: number }>(
    'GetWindowAttributes',
    (client, reply) => client.GetWindowAttributes(window, reply),
  );
  return attributes?.mapState ?? null;
}

/** A property of a window, or null when the window has gone. An unset property is empty. */
export async function property(
  connection: X11Connection,
  window: number,
  name: string,
): Promise<XProperty | null> {
  const atom = await connection.atom(name);
  return await connection.probe<XProperty>('GetProperty', (client, reply) =>
    client.GetProperty(0, window, atom, ANY_TYPE, 0, MAX_WORDS, reply),
  );
}
