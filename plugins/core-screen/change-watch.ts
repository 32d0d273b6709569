import { HubError, type Area, type Region } from '@runtime-hub/plugin-sdk/contract';
import {
  intersection,
  placeArea,
  type DamageExtension,
  type X11Connection,
  type XEvent,
} from '@runtime-hub/plugin-sdk/x11';
import type { Change, ChangeRequest } from './screen-driver.ts';
import { createSettle } from './settle.ts';
import { Watcher } from './watcher.ts';

const DELTA_RECTANGLES = 1;
const STRUCTURE_NOTIFY = 0x2_00_00;
const SUBSTRUCTURE_NOTIFY = 0x8_00_00;
const PROPERTY_CHANGE = 0x40_00_00;
const MOVING_EVENTS: ReadonlySet<string> = new Set([
  'ConfigureNotify',
  'CreateNotify',
  'DestroyNotify',
  'MapNotify',
  'PropertyNotify',
  'ReparentNotify',
  'UnmapNotify',
]);

/** How long an area that nobody waits for is still watched. */
const KEEP_MS = 30_000;

/** Tells of changed pixels by the DAMAGE extension; nothing is polled and nothing is watched while nobody waits. */
export interface ChangeWatch {
  wait(request: ChangeRequest, signal: AbortSignal): Promise<Change>;
}

export async function createChangeWatch(connection: X11Connection): Promise<ChangeWatch> {
  const extension = await connection.ask<DamageExtension>('DAMAGE', (client, reply) =>
    client.require('damage', reply),
  );
  connection.client.ChangeWindowAttributes(connection.root, {
    eventMask: SUBSTRUCTURE_NOTIFY | PROPERTY_CHANGE,
  });
  const watch = new DamageWatch(connection, extension);
  connection.onEvent((event) => watch.take(event));
  connection.onClose((error) => watch.end(error));
  return watch;
}

class DamageWatch implements ChangeWatch {
  readonly #connection: X11Connection;
  readonly #extension: DamageExtension;
  readonly #watchers = new Map<string, Watcher>();
  readonly #settle = createSettle({
    caughtUp: () => this.#connection.sync(),
    settled: () => this.#settled(),
  });
  #damage: number | null = null;
  #damaged: Region[] = [];
  #firstAt = 0;
  #moved = false;

  constructor(connection: X11Connection, extension: DamageExtension) {
    this.#connection = connection;
    this.#extension = extension;
  }

  async wait(request: ChangeRequest, signal: AbortSignal): Promise<Change> {
    signal.throwIfAborted();
    const key = `${request.caller} ${JSON.stringify(areaKey(request.area))}`;
    const watcher = this.#watchers.get(key) ?? this.#add(key, request.area);
    using _held = watcher.hold();
    await watcher.ready;
    return await watcher.wait(request, signal);
  }

  take(event: XEvent): void {
    if (event.name === 'DamageNotify' && event.area !== undefined) {
      if (this.#damaged.length === 0) this.#firstAt = Date.now();
      const { x, y, w, h } = event.area;
      this.#damaged.push({ x, y, width: w, height: h });
      this.#settle.touch();
    } else if (MOVING_EVENTS.has(event.name) && this.#watchers.size > 0) {
      this.#moved = true;
      this.#settle.touch();
    }
  }

  end(error: HubError): void {
    this.#settle[Symbol.dispose]();
    for (const watcher of this.#watchers.values()) watcher.fail(error);
    this.#watchers.clear();
  }

  #add(key: string, area: Area): Watcher {
    const isFirst = this.#watchScreen();
    const watcher = new Watcher({
      area,
      start: async () => {
        const region = await this.#place(area);
        // The damage object exists on the server before anybody waits, and what the server tells of a new one, that all
        // of the screen is damaged, has come and is no change.
        await this.#connection.sync();
        if (isFirst) this.#damaged = [];
        return region;
      },
      keepMs: KEEP_MS,
      onIdle: () => this.#remove(key),
    });
    this.#watchers.set(key, watcher);
    return watcher;
  }

  #remove(key: string): void {
    this.#watchers.delete(key);
    if (this.#watchers.size > 0 || this.#damage === null || this.#connection.closed) return;
    this.#extension.Destroy(this.#damage);
    this.#damage = null;
  }

  /** True when nothing was watched before. */
  #watchScreen(): boolean {
    if (this.#damage !== null) return false;
    this.#damage = this.#connection.client.AllocID();
    this.#extension.Create(this.#damage, this.#connection.root, DELTA_RECTANGLES);
    return true;
  }

  /** Damage that comes after Subtract starts a new batch; whoever is told of this one captures after it. */
  async #settled(): Promise<void> {
    const { damaged, moved } = { damaged: this.#damaged, moved: this.#moved };
    const changedAt = damaged.length === 0 ? Date.now() : this.#firstAt;
    this.#damaged = [];
    this.#moved = false;
    if (this.#connection.closed) return;
    if (this.#damage !== null) this.#extension.Subtract(this.#damage, 0, 0);
    const watchers = [...this.#watchers.values()];
    await Promise.all(
      watchers.map(async (watcher) => {
        const before = watcher.region;
        const mayHaveMoved = watcher.area.window !== undefined && (moved || before === null);
        if (mayHaveMoved) watcher.region = await this.#place(watcher.area).catch(() => null);
        const { region } = watcher;
        if (region === null) return;
        const touched = damaged.some((part) => intersection(part, region) !== null);
        if (touched || (mayHaveMoved && !sameRegion(before, region))) watcher.changed(changedAt);
      }),
    );
  }

  /** Where the area is; null while its window is not there. Also asks to be told when the window moves. */
  async #place(area: Area): Promise<Region | null> {
    try {
      const placed = await placeArea(this.#connection, area);
      if (placed.window !== null) {
        this.#connection.client.ChangeWindowAttributes(placed.window, {
          eventMask: STRUCTURE_NOTIFY | PROPERTY_CHANGE,
        });
      }
      return placed.region;
    } catch (error) {
      if (HubError.is(error, 'SCREEN_TARGET_NOT_FOUND')) return null;
      throw error;
    }
  }
}

function areaKey(area: Area): readonly unknown[] {
  return [area.window, area.x, area.y, area.width, area.height].map((part) => part ?? null);
}

export function sameRegion(a: Region | null, b: Region): boolean {
  return a !== null && a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}
