/** What this product uses of the untyped package `x11` (pure JavaScript, no native code), as types. */

export interface XError extends Error {
  /** X protocol error code: 3 BadWindow, 8 BadMatch, 9 BadDrawable, 10 BadAccess … */
  readonly error: number;
}
/** Must return true: the library raises an error as unhandled when its callback does not. */
export type XReply<T> = (error: XError | null | undefined, value: T) => true;

export interface XScreen {
  readonly root: number;
  readonly root_depth: number;
  readonly pixel_width: number;
  readonly pixel_height: number;
}

export interface XDisplay {
  readonly screen: readonly XScreen[];
  readonly format: Readonly<Record<string, { readonly bits_per_pixel: number } | undefined>>;
  readonly image_byte_order: number;
  readonly min_keycode: number;
  readonly max_keycode: number;
}

/** An event; fields beyond `name` depend on it. */
export interface XEvent {
  readonly name: string;
  /** Window it is about. */
  readonly wid?: number;
  readonly keycode?: number;
  /** DamageNotify: the damaged rectangle, relative to the damaged window. */
  readonly area?: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
}

export interface XProperty {
  readonly type: number;
  readonly data: Buffer;
}

export interface DamageExtension {
  Create(damage: number, drawable: number, level: number): void;
  Destroy(damage: number): void;
  Subtract(damage: number, repair: number, parts: number): void;
}

export interface TestExtension {
  FakeInput(type: number, detail: number, time: number, window: number, x: number, y: number): void;
}

export interface XClient {
  readonly stream?: { destroy(): void };
  on(event: 'event', listener: (event: XEvent) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'end', listener: () => void): void;
  terminate(): void;
  AllocID(): number;
  require(name: 'damage', reply: XReply<DamageExtension>): void;
  require(name: 'xtest', reply: XReply<TestExtension>): void;
  InternAtom(onlyIfExists: boolean, name: string, reply: XReply<number>): void;
  GetProperty(
    remove: number,
    window: number,
    name: number,
    type: number,
    offset: number,
    length: number,
    reply: XReply<XProperty>,
  ): void;
  QueryTree(window: number, reply: XReply<{ readonly children: readonly number[] }>): void;
  GetGeometry(
    drawable: number,
    reply: XReply<{ readonly width: number; readonly height: number }>,
  ): void;
  GetWindowAttributes(window: number, reply: XReply<{ readonly mapState: number }>): void;
  TranslateCoordinates(
    from: number,
    to: number,
    x: number,
    y: number,
    reply: XReply<{ readonly child: number; readonly destX: number; readonly destY: number }>,
  ): void;
  QueryPointer(
    window: number,
    reply: XReply<{ readonly rootX: number; readonly rootY: number }>,
  ): void;
  GetImage(
    format: number,
    drawable: number,
    x: number,
    y: number,
    width: number,
    height: number,
    planeMask: number,
    reply: XReply<{ readonly data: Buffer }>,
  ): void;
  GetInputFocus(reply: XReply<unknown>): void;
  GetKeyboardMapping(first: number, count: number, reply: XReply<readonly number[][]>): void;
  GrabKey(
    window: number,
    ownerEvents: number,
    modifiers: number,
    key: number,
    pointerMode: number,
    keyboardMode: number,
    reply: XReply<unknown>,
  ): void;
  ChangeWindowAttributes(window: number, values: { readonly eventMask: number }): void;
  GrabServer(): void;
  UngrabServer(): void;
}

export interface XModule {
  createClient(
    options: {
      readonly display: string;
      readonly shm: 'off';
      readonly disableBigRequests: true;
      /** Requests of one turn of the event loop leave in one write, also those that are answered. */
      readonly bufferRequests: { readonly flushOnReply: false };
    },
    ready: (error: Error | null | undefined, display: XDisplay) => void,
  ): XClient;
}

/** Loads the library when it is first needed, so that a plugin can be looked at where sockets do not exist. */
export async function loadX11(): Promise<XModule> {
  // @ts-expect-error: the package has no types; the interface above is what is used of it.
  const loaded: unknown = await import('x11');
  // SAFETY: x11 4.2.2 is CommonJS and exports createClient; its exports are the default of the namespace.
  return (loaded as { readonly default: XModule }).default;
}
