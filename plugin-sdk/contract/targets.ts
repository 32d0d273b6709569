import { CAPABILITIES, type Need } from './capability.ts';

type Kind = (typeof CAPABILITIES)[Need['capability']]['target'];

/**
 * The forms of targets, by what a capability's target names. `*` is everything of any kind.
 * - area: `window=<title>` (one window; `*` at the end matches any ending), `region=x,y,width,height` (logical pixels of the whole screen)
 * - host: `[http://]host[:port]`; https on 443 unless said; `*.` before it for all below a domain, not the domain itself
 * - path: absolute or `~/…`; ending in `/*` what is directly in a folder, in `/**` the folder and all below it
 * - program: an absolute path
 * - secret: `name@` and the host or program it may go to
 */
const FORMS: Readonly<Record<Kind, RegExp>> = {
  any: /^\*$/u,
  area: /^(?:\*|window=[^\p{Cc}]+|region=-?\d{1,5},-?\d{1,5},\d{1,5},\d{1,5})$/u,
  host: /^(?:\*|(?:http:\/\/)?(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::\d{1,5})?)$/u,
  path: /^(?:[*~/]|(?:~|[A-Z]:)?(?:\/(?!\.{1,2}(?:\/|$))[^/\\\p{Cc}]+)+)$/u,
  program: /^(?:\*|(?:[A-Z]:)?(?:\/(?!\.{1,2}(?:\/|$))[^/\\\p{Cc}]+)+)$/u,
  secret: /^(?:\*|[a-z][a-z0-9-]{0,63}@(?!.*@).+)$/u,
};

/** How the text of a permission ends that has a rate; a target that did could not be told from one. */
const RATE = /;rate=[\d.]+\/s$/u;

/** True when a target has a form of its capability. */
export function isTarget({ capability, target }: Need): boolean {
  const kind: Kind = CAPABILITIES[capability].target;
  if (!FORMS[kind].test(target) || RATE.test(target)) return false;
  if (kind !== 'secret' || target === '*') return true;
  const destination = target.slice(target.indexOf('@') + 1);
  if (destination === '*') return false;
  return FORMS.host.test(destination) || FORMS.program.test(destination);
}

/** True when holding one includes everything the other names. */
export function covers(held: Need, needed: Need): boolean {
  if (held.capability !== needed.capability) return false;
  if (held.target === '*' || held.target === needed.target) return true;
  return COVERS[CAPABILITIES[held.capability].target](held.target, needed.target);
}

/** True when two may name the same thing; a window and a region are taken as apart, since windows move. */
export function overlaps(one: Need, other: Need): boolean {
  if (covers(one, other) || covers(other, one)) return true;
  const [a, b] = [parseRegion(one.target), parseRegion(other.target)];
  if (one.capability !== other.capability || a === null || b === null) return false;
  const across = a.x < b.x + b.width && b.x < a.x + a.width;
  return across && a.y < b.y + b.height && b.y < a.y + a.height;
}

type Covers = (held: string, needed: string) => boolean;

const coversArea: Covers = (held, needed) => {
  if (held.startsWith('window=') && needed.startsWith('window=')) {
    return held.endsWith('*') && needed.startsWith(held.slice(0, -1));
  }
  const [outer, inner] = [parseRegion(held), parseRegion(needed)];
  if (outer === null || inner === null) return false;
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
};

/** The dot stays, so that `*.example.com` is not `evilexample.com`. */
const coversHost: Covers = (held, needed) => {
  const scheme = held.startsWith('http://') ? 'http://' : '';
  if (needed.startsWith('http://') !== (scheme !== '')) return false;
  const [outer, inner] = [held.slice(scheme.length), needed.slice(scheme.length)];
  return outer.startsWith('*.') && inner.endsWith(outer.slice(1));
};

const coversPath: Covers = (held, needed) => {
  if (held.endsWith('/**')) {
    const folder = held.slice(0, -3);
    return needed === folder || needed.startsWith(`${folder}/`);
  }
  if (!held.endsWith('/*') || !needed.startsWith(held.slice(0, -1))) return false;
  const name = needed.slice(held.length - 1);
  return name !== '**' && !name.includes('/');
};

const coversSecret: Covers = (held, needed) => {
  const [outer, inner] = [held.indexOf('@'), needed.indexOf('@')];
  if (held.slice(0, outer) !== needed.slice(0, inner)) return false;
  return coversHost(held.slice(outer + 1), needed.slice(inner + 1));
};

const never: Covers = () => false;

const COVERS: Readonly<Record<Kind, Covers>> = {
  any: never,
  area: coversArea,
  host: coversHost,
  path: coversPath,
  program: never,
  secret: coversSecret,
};

export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The rectangle a `region=` target names; null for any other target. */
export function parseRegion(target: string): Region | null {
  const match = /^region=(-?\d+),(-?\d+),(\d+),(\d+)$/u.exec(target);
  if (match === null) return null;
  const [x, y, width, height] = match.slice(1).map(Number);
  if (x === undefined || y === undefined || width === undefined || height === undefined)
    return null;
  return { x, y, width, height };
}
