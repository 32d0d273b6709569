import semver from 'semver';
import { namespaceOf } from './paths.ts';
import type { Filters } from './uplink.ts';

const RULES = ['own-namespace', 'allow', 'deny', 'range', 'min-age', 'review'] as const;
/** Why a mirror does not hand on a version. */
export type Rule = (typeof RULES)[number];

export interface Candidate {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  /** By the origin's log. */
  readonly publishedAt: number;
}

export interface Circumstances {
  readonly filters: Filters;
  /** The newest checkpoint's time, so that neither clock nor dates of others count. */
  readonly logTime: number;
  /** Namespaces of the mirroring registry itself: what it gives out under them is its own. */
  readonly own: ReadonlySet<string>;
  /** Digests that a person let go. */
  readonly approved: ReadonlySet<string>;
}

const HOUR_MS = 3_600_000;

/** The rule that keeps a version back; null when none does. */
export function keptBackBy(it: Candidate, by: Circumstances): Rule | null {
  const { filters, logTime, approved } = by;
  const { digest, version, publishedAt } = it;
  const never = neverTaken(it.id, by);
  if (never !== null) return never;
  const range = filters.ranges.findLast(({ match }) => covers(match, it.id))?.range;
  if (range !== undefined && !semver.satisfies(version, range)) return 'range';
  if (logTime - publishedAt < filters.minAgeHours * HOUR_MS) return 'min-age';
  return filters.review && !approved.has(digest) ? 'review' : null;
}

/** The rule that keeps back all of a plugin; null when none does. */
export function neverTaken(
  id: string,
  { filters, own }: Pick<Circumstances, 'filters' | 'own'>,
): Rule | null {
  if (own.has(namespaceOf(id))) return 'own-namespace';
  if (filters.deny.some((it) => covers(it, id))) return 'deny';
  return filters.allow.some((it) => covers(it, id)) ? null : 'allow';
}

export function covers(pattern: string, id: string): boolean {
  if (pattern === '*/*') return true;
  return pattern.endsWith('/*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern;
}
