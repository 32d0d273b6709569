import semver from 'semver';
import type { Manifest, NodeType } from '../contract/index.ts';
import { MANIFEST, type Hit, type Pack, type Rule } from './rule.ts';
import { shown } from './text.ts';

/**
 * Of the versions there are, the one that `version` follows: the highest of its own line (same major and minor), else of
 * its major, else the highest of all lines below; undefined for the first.
 */
export function formerOf(published: readonly Manifest[], version: string): Manifest | undefined {
  const fresh = semver.parse(version);
  if (fresh === null) return undefined;
  const newestFirst = published.toSorted((one, two) => semver.rcompare(one.version, two.version));
  const lines = newestFirst.map((it) => ({ it, at: semver.parse(it.version) }));
  const ofMajor = lines.filter(({ at }) => at?.major === fresh.major);
  return (
    ofMajor.find(({ at }) => at?.minor === fresh.minor) ??
    ofMajor[0] ??
    lines.find(({ it }) => semver.lt(it.version, version))
  )?.it;
}

/** True when users who update within their range get it: what was there must stay (semver.org, 4 and 8). */
function isCompatible(former: Manifest, { version }: Manifest): boolean {
  const old = semver.parse(former.version);
  const fresh = semver.parse(version);
  if (old === null || fresh === null || old.major !== fresh.major) return false;
  return old.major > 0 || old.minor === fresh.minor;
}

/** The node of the new version that a missing one has become, as far as its ports tell. */
function renamed(old: NodeType, { former, fresh }: Both): string {
  const known = new Set(former.nodes.map((it) => it.type));
  const twin = fresh.nodes.find(
    (it) => !known.has(it.type) && (it.title === old.title || samePorts(it, old)),
  );
  return twin === undefined ? '' : `; it seems to be ${shown(twin.type)} now`;
}

const samePorts = (one: NodeType, two: NodeType): boolean =>
  Object.keys(one.outputs).length > 0 &&
  JSON.stringify([one.inputs, one.outputs]) === JSON.stringify([two.inputs, two.outputs]);

interface Both {
  readonly former: Manifest;
  readonly fresh: Manifest;
}

function* since(
  { manifest, surroundings: { former } }: Pack,
  find: (both: Both) => Iterable<string>,
): Generator<Hit> {
  if (former === undefined || !isCompatible(former, manifest)) return;
  for (const message of find({ former, fresh: manifest })) yield { file: MANIFEST, message };
}

function* brokenPorts(old: NodeType, fresh: NodeType): Generator<string> {
  const name = shown(fresh.type);
  for (const port of Object.keys(old.outputs))
    if (!Object.hasOwn(fresh.outputs, port)) yield `${name} lost its output ${shown(port)}`;
  for (const port of Object.keys(old.inputs))
    if (!Object.hasOwn(fresh.inputs, port)) yield `${name} lost its input ${shown(port)}`;
  for (const port of Object.keys(fresh.inputs)) {
    const isNew = !Object.hasOwn(old.inputs, port) || old.optionalInputs.includes(port);
    if (isNew && !fresh.optionalInputs.includes(port) && fresh.join === 'all')
      yield `${name} needs the input ${shown(port)}, which it did not before`;
  }
  for (const field of requiredOf(fresh))
    if (!requiredOf(old).includes(field))
      yield `${name} needs ${shown(field)} in its config, which it did not before`;
}

function requiredOf({ config }: NodeType): readonly string[] {
  const { required } = config;
  return Array.isArray(required)
    ? required.filter((it): it is string => typeof it === 'string')
    : [];
}

/** What must hold between a version and the one it follows; nothing is found where that one is not known. */
export const FORMER_RULES: readonly Rule[] = [
  {
    id: 'version-not-higher',
    severity: 'error',
    doc: 'A version that is not higher than the one it follows is never installed.',
    cure: 'Raise version in the plugin’s definition.',
    *find({ manifest: { id, version }, surroundings: { former } }) {
      if (former === undefined || former.id !== id || semver.gt(version, former.version)) return;
      yield { file: MANIFEST, message: `/version ${version} is not higher than ${former.version}` };
    },
  },
  {
    id: 'node-removed',
    severity: 'error',
    doc: 'Workflows name node types: a removed or renamed one breaks them.',
    cure: 'Keep the old type beside the new one, or raise the major version.',
    find: (pack) =>
      since(pack, function* (both) {
        const kept = new Set(both.fresh.nodes.map((it) => it.type));
        for (const old of both.former.nodes)
          if (!kept.has(old.type)) yield `the node ${shown(old.type)} is gone${renamed(old, both)}`;
      }),
  },
  {
    id: 'ports-changed',
    severity: 'error',
    doc: 'Workflows connect ports and fill configs: what they rely on must stay.',
    cure: 'Keep the port, make the new one optional, or raise the major version.',
    find: (pack) =>
      since(pack, function* ({ former, fresh }) {
        for (const old of former.nodes) {
          const node = fresh.nodes.find((it) => it.type === old.type);
          if (node !== undefined) yield* brokenPorts(old, node);
        }
      }),
  },
];
