export { intersection, nameOf, placeArea, placePoint, scaleOf } from './area.ts';
export type { PlacedArea, PlacedPoint } from './area.ts';
export type { DamageExtension, TestExtension, XEvent } from './client.ts';
export { openX11, unavailable, X11Connection } from './connection.ts';
export { createX11Session, displayName } from './session.ts';
export type { X11Session } from './session.ts';
export { isWindowAt, property, titleFits } from './windows.ts';
