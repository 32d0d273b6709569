import type { CapabilityName, Finding, Manifest } from '../contract/index.ts';
import type { Code } from './code.ts';

/** What a rule may look at; all of it in memory. */
export interface Pack {
  readonly manifest: Manifest;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Files that are UTF-8 text, as text. */
  readonly texts: ReadonlyMap<string, string>;
  /** The JavaScript among them, parsed; in a file that does not parse nothing is found but that. */
  readonly code: readonly Code[];
  /** The Python among them, with strings and comments blanked. */
  readonly python: ReadonlyMap<string, string>;
  /** Files that nobody looked into: there is more than can be looked at in time. */
  readonly unscanned: readonly string[];
  readonly surroundings: Surroundings;
}

/** What the checker knows besides the artifact; the author's machine may know none of it. */
export interface Surroundings {
  /** The version this one follows; see `formerOf`. */
  readonly former?: Manifest;
  /** Ids that others hold already. */
  readonly knownIds?: readonly string[];
}

/** One place that breaks a rule. */
export interface Hit {
  readonly file: string | null;
  readonly line?: number;
  readonly message: string;
}

/** A rule: what it is called, how much it weighs, why it is there, what cures a break of it, and how breaks are found. */
export interface Rule {
  readonly id: string;
  readonly severity: Finding['severity'];
  /** One line for people. */
  readonly doc: string;
  readonly cure: string;
  readonly find: (pack: Pack) => Iterable<Hit>;
}

/** `manifest.json`, where most of what a manifest says wrongly is found. */
export const MANIFEST = 'manifest.json';

/** True when the manifest asks for the capability. */
export const asksFor = ({ manifest }: Pack, capability: CapabilityName): boolean =>
  manifest.permissions.some((it) => it.capability === capability);
