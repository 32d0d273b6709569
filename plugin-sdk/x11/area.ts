import { HubError, type Area, type Point, type Region } from '../contract/index.ts';
import type { X11Connection } from './connection.ts';
import { locateWindow, property } from './windows.ts';

const NORMAL_DPI = 96;

/** Where an area is right now: physical pixels of the screen, never outside the screen or its window. */
export interface PlacedArea {
  readonly region: Region;
  readonly scale: number;
  readonly window: number | null;
}

/** A point of the screen in physical pixels. */
export interface PlacedPoint {
  readonly x: number;
  readonly y: number;
  readonly window: number | null;
}

/** Finds an area. Rejects with SCREEN_TARGET_NOT_FOUND when its window is not shown or nothing of it is on the screen. */
export async function placeArea(connection: X11Connection, area: Area): Promise<PlacedArea> {
  const [scale, base] = await Promise.all([
    screenScale(connection),
    placeOf(connection, area.window),
  ]);
  const screen = { x: 0, y: 0, width: connection.width, height: connection.height };
  const region = intersection(
    intersection(physicalRegion(area, base.region, scale), base.region),
    screen,
  );
  if (region === null) {
    throw new HubError('SCREEN_TARGET_NOT_FOUND', { target: `part of ${nameOf(area.window)}` });
  }
  return { region, scale, window: base.window };
}

/** Finds a point. Rejects with SCREEN_TARGET_NOT_FOUND when its window is not shown or it lies off the screen. */
export async function placePoint(connection: X11Connection, point: Point): Promise<PlacedPoint> {
  const [scale, base] = await Promise.all([
    screenScale(connection),
    placeOf(connection, point.window),
  ]);
  const x = base.region.x + Math.round(point.x * scale);
  const y = base.region.y + Math.round(point.y * scale);
  if (x < 0 || y < 0 || x >= connection.width || y >= connection.height) {
    throw new HubError('SCREEN_TARGET_NOT_FOUND', {
      target: `point ${String(point.x)}, ${String(point.y)} of ${nameOf(point.window)}`,
    });
  }
  return { x, y, window: base.window };
}

/** Logical pixels inside `base` as physical pixels of the screen; what the area leaves out is taken from `base`. */
export function physicalRegion(area: Area, base: Region, scale: number): Region {
  const left = Math.round((area.x ?? 0) * scale);
  const top = Math.round((area.y ?? 0) * scale);
  return {
    x: base.x + left,
    y: base.y + top,
    width: area.width === undefined ? base.width - left : Math.round(area.width * scale),
    height: area.height === undefined ? base.height - top : Math.round(area.height * scale),
  };
}

/** What two regions have in common; null when that is nothing. */
export function intersection(a: Region | null, b: Region): Region | null {
  if (a === null) return null;
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** Physical pixels per logical pixel: Xft.dpi of the screen's resources over 96; 1 when it is not set. */
export async function screenScale(connection: X11Connection): Promise<number> {
  const resources = await property(connection, connection.root, 'RESOURCE_MANAGER');
  return scaleOf(resources?.data.toString('latin1') ?? '');
}

/** The scale that a text of X resources asks for, within 0.5 and 8. */
export function scaleOf(resources: string): number {
  const dpi = /^Xft\.dpi:[ \t]*([0-9.]+)/mu.exec(resources)?.[1];
  const scale = Number(dpi) / NORMAL_DPI;
  return scale >= 0.5 && scale <= 8 ? scale : 1;
}

/** How a person would name the window or screen that an area or point lies in. */
export function nameOf(window: string | undefined): string {
  return window === undefined ? 'the screen' : `window “${window}”`;
}

async function placeOf(
  connection: X11Connection,
  title: string | undefined,
): Promise<{ readonly region: Region; readonly window: number | null }> {
  if (title === undefined) {
    return {
      region: { x: 0, y: 0, width: connection.width, height: connection.height },
      window: null,
    };
  }
  const placed = await locateWindow(connection, title);
  if (placed === null) throw new HubError('SCREEN_TARGET_NOT_FOUND', { target: nameOf(title) });
  return placed;
}
