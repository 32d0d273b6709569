import { CAPABILITIES, type CapabilityName, type Need, type Permission } from './capability.ts';
import { covers, parseRegion } from './targets.ts';

/** A permission without its author's reason, which changes nothing about what it allows. */
export type Allowance = Need & Pick<Permission, 'ratePerSecond'>;

/** One difference between two sets of permissions. */
export interface PermissionChange {
  readonly words: string;
  readonly before: readonly Allowance[];
  readonly after: readonly Allowance[];
}

/** What an update, or a narrower grant, changes. Whoever gains nothing has neither `added` nor `widened`. */
export interface PermissionDiff {
  readonly added: readonly PermissionChange[];
  readonly removed: readonly PermissionChange[];
  readonly widened: readonly PermissionChange[];
  readonly narrowed: readonly PermissionChange[];
}

/**
 * What a permission lets its holder do, as a sentence for an admin: “Send requests to api.github.com, at most 10 a second”.
 * Two permissions that allow different things never have the same words; what can't be seen is written out as ⟨U+202E⟩.
 */
export function inWords({ capability, target, ratePerSecond }: Allowance): string {
  const sentence = SENTENCES[capability](target);
  return ratePerSecond === undefined ? sentence : `${sentence}, ${rateWords(ratePerSecond)}`;
}

/** Text of a plugin or a person with nothing hidden in it: control, bidirectional and invisible characters, and the quotes used around it, by number. */
export function visible(text: string): string {
  return text.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800“”⟨⟩]|(?! )\p{Zs}/gu,
    (it) => `⟨U+${(it.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

/** The same permissions in their one canonical order, without what another of them includes. */
export function canonicalPermissions<P extends Allowance>(permissions: readonly P[]): readonly P[] {
  return permissions
    .toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
    .filter((it, index, all) => {
      const others = all.filter((_, at) => at !== index);
      return !others.some((one, at) => includes(one, it) && (at < index || !includes(it, one)));
    });
}

/** True when holding one allows all that the other does, as often. */
export function includes(held: Allowance, wanted: Allowance): boolean {
  const most = held.ratePerSecond ?? Number.POSITIVE_INFINITY;
  return covers(held, wanted) && (wanted.ratePerSecond ?? Number.POSITIVE_INFINITY) <= most;
}

/** Compares two sets by what they allow: order, reasons and repetitions make no difference. */
export function permissionDiff(
  before: readonly Allowance[],
  after: readonly Allowance[],
): PermissionDiff {
  const [old, fresh] = [canonicalPermissions(before), canonicalPermissions(after)];
  const gained = fresh.filter((it) => !old.some((one) => includes(one, it)));
  const lost = old.filter((it) => !fresh.some((one) => includes(one, it)));
  const widened = gained.flatMap((it) =>
    changeOf(
      old.filter((one) => touches(one, it)),
      [it],
    ),
  );
  const narrowed = lost.flatMap((it) => {
    const rest = fresh.filter((one) => !gained.includes(one) && includes(it, one));
    return changeOf([it], rest);
  });
  const grown = new Set(widened.flatMap((it) => it.after));
  const shrunk = new Set([...narrowed, ...widened].flatMap((it) => it.before));
  return {
    added: gained.filter((it) => !grown.has(it)).map((it) => single([], [it])),
    removed: lost.filter((it) => !shrunk.has(it)).map((it) => single([it], [])),
    widened,
    narrowed,
  };
}

/** One is about a part of the other: a wider target, a narrower one, or the same at another rate. */
const touches = (one: Need, other: Need): boolean => covers(one, other) || covers(other, one);

const changeOf = (
  before: readonly Allowance[],
  after: readonly Allowance[],
): readonly PermissionChange[] =>
  before.length === 0 || after.length === 0 ? [] : [single(before, after)];

function single(before: readonly Allowance[], after: readonly Allowance[]): PermissionChange {
  const [was, is] = [before, after].map((list) => list.map(inWords).join('; '));
  const words = after.length === 0 ? was : before.length === 0 ? is : `${is} (before: ${was})`;
  return { words: words ?? '', before, after };
}

const keyOf = ({ capability, target, ratePerSecond }: Allowance): string =>
  JSON.stringify([capability, target, ratePerSecond ?? null]);

/** A capability without targets says what it is; a target it should not have is shown. */
const titled =
  (capability: CapabilityName) =>
  (target: string): string => {
    const { title } = CAPABILITIES[capability];
    return target === '*' ? title : `${title} (“${visible(target)}”)`;
  };

const SENTENCES: Readonly<Record<CapabilityName, (target: string) => string>> = {
  'screen.capture': (it) => (it === '*' ? 'See the whole screen' : `See ${areaWords(it)}`),
  'input.mouse': (it) =>
    it === '*'
      ? 'Move and click the mouse anywhere'
      : `Move and click the mouse in ${areaWords(it)}`,
  'net.http': (it) => `Send requests to ${hostWords(it)}`,
  'fs.read': (it) => `Read ${pathWords(it)}`,
  'fs.write': (it) => `Change ${pathWords(it)}`,
  'process.run': (it) => `Run ${programWords(it)}`,
  'process.end': (it) => `End ${programWords(it)}`,
  'secrets.use': (it) => secretWords(it),
  'ocr.read': titled('ocr.read'),
  'process.list': titled('process.list'),
  clock: titled('clock'),
  random: titled('random'),
  state: titled('state'),
  blobs: titled('blobs'),
  log: titled('log'),
};

const programWords = (target: string): string =>
  target === '*' ? 'any program' : `the program “${visible(target)}”`;

function areaWords(target: string): string {
  const region = parseRegion(target);
  if (region !== null) {
    const { x, y, width, height } = region;
    return `the part of the screen of ${String(width)} × ${String(height)} pixels at ${String(x)}, ${String(y)}`;
  }
  const title = target.replace(/^window=/u, '');
  if (!title.endsWith('*')) return `the window “${visible(title)}”`;
  if (title === '*') return 'every window';
  return `every window whose title begins with “${visible(title.slice(0, -1))}”`;
}

function hostWords(target: string): string {
  if (target === '*') return 'any address';
  const plain = target.startsWith('http://');
  const place = plain ? target.slice('http://'.length) : target;
  const port = /:(\d+)$/u.exec(place.replace(/^.*\]/u, ''))?.[1];
  const name = port === undefined ? place : place.slice(0, -port.length - 1);
  return [
    visible(name.startsWith('*.') ? `every host below ${name.slice(2)}` : name),
    ...(port === undefined ? [] : [`on port ${port}`]),
    ...(plain ? ['without encryption'] : []),
  ].join(' ');
}

function pathWords(target: string): string {
  if (target === '*') return 'every file';
  if (target.endsWith('/**'))
    return `everything in the folder “${visible(target.slice(0, -3))}” and below it`;
  if (target.endsWith('/*'))
    return `what is directly in the folder “${visible(target.slice(0, -2))}”`;
  return `the file or folder “${visible(target)}”`;
}

function secretWords(target: string): string {
  if (target === '*') return 'Use every secret, with anything';
  const at = target.indexOf('@');
  const destination = target.slice(at + 1);
  const isProgram = /^(?:[A-Z]:)?\//u.test(destination);
  const whom = isProgram ? `the program “${visible(destination)}”` : hostWords(destination);
  return `Use the secret ${visible(target.slice(0, at))} with ${whom}`;
}

function rateWords(perSecond: number): string {
  const everySeconds = Math.round(1 / perSecond);
  if (everySeconds > 1 && 1 / everySeconds === perSecond)
    return `at most one every ${String(everySeconds)} seconds`;
  return `at most ${String(perSecond)} a second`;
}
