import { isIP } from 'node:net';
import { HubError, type CapabilityName, type PluginId } from '../contract/index.ts';
import { guardOf } from './guard.ts';
import { policyForm } from './policy-form.ts';
import type { Requirement, UpdateStep } from './policy-words.ts';

export type { Requirement, UpdateStep };
import { readPublicKey, type KeyAlgorithm } from './public-key.ts';

/** Which identities may run here, and what they may do unasked; written by the admin. */
export interface TrustPolicy {
  readonly version: 1;
  /** Publisher keys by hint; `spki` is base64 DER. */
  readonly keys: Readonly<Record<string, { readonly spki: string; readonly alg: KeyAlgorithm }>>;
  readonly log: { readonly origin: string; readonly spki: string };
  /** Registries this hub may ask; none when left out, and then nothing is ever asked. */
  readonly registries?: readonly PolicyRegistry[];
  /** Who may sign for which plugins, and where these come from. */
  readonly namespaces: readonly PolicyNamespace[];
  /** Plugins that may use the driver runtime, in the form of `match`. */
  readonly drivers: readonly string[];
  /** Capabilities that every plugin which asks for them gets. */
  readonly autoGrant: readonly CapabilityName[];
  /** Weakest jail in which plugins may run. */
  readonly minIsolation: 'strong' | 'medium' | 'weak';
  /** Private networks, as CIDR, that plugins may reach when a grant names a host there; none when left out. */
  readonly networks?: readonly string[];
  /** What plugins may use of the machine where that is not the default; `match` as for namespaces, later entries win. */
  readonly limits?: readonly PolicyLimits[];
  /** What no plugin may ask for, whoever signed it. */
  readonly permissions?: PolicyPermissions;
  /** Which updates need no person; none when left out. */
  readonly updates?: PolicyUpdates;
  /** Plugins that a hub in development mode may load without a signature, in the form of `match`. */
  readonly unsigned?: { readonly allow: readonly string[] };
}

/** A registry, as the admin who added it saw it. Keys and hashes are what `GET /v1/` said then. */
export interface PolicyRegistry {
  readonly origin: string;
  /** Where it, or a mirror of it, is reached. */
  readonly url: string;
  /** Ed25519, base64 DER SubjectPublicKeyInfo. */
  readonly logKey: string;
  readonly tufRootSha256: string;
  /** How old its newest checkpoint may be for something new to be installed; 168 when left out. */
  readonly maxMetadataAgeHours?: number;
  /** How long a release must have been out, by the log's clock, before it is installed. */
  readonly minReleaseAgeHours?: number;
}

/** Who vouches for the plugins that `match` covers: an id, `namespace/*`, or `*` before and after the slash for all. */
export interface PolicyNamespace {
  readonly match: string;
  /** Hints of `keys`. */
  readonly signers?: readonly string[];
  /** The keys that the registry's log holds for the namespace, besides. */
  readonly keyring?: true;
  /** The registry they come from; this hub itself when left out. */
  readonly origin?: string;
  /** Nowhere else may any of them come from. */
  readonly exclusive?: boolean;
  /** What must vouch for a release besides its publisher, by one of `approvers`. */
  readonly require?: readonly Requirement[];
  /** Hints of `keys`. */
  readonly approvers?: readonly string[];
}

export interface PolicyPermissions {
  readonly deny?: readonly CapabilityName[];
  /** Hosts, `*.` for all below one, that no plugin may be granted. */
  readonly denyHosts?: readonly string[];
  /** Every permission must say what it is for. */
  readonly requireReason?: boolean;
}

export interface PolicyUpdates {
  /** The largest step of a version that is taken unasked. */
  readonly auto?: UpdateStep;
  /** Always `hold`: such an update waits for a person. */
  readonly onMorePermissions?: 'hold';
  readonly onPublisherChange?: 'hold';
  readonly onRuntimeChange?: 'hold';
}

/** The bounds an admin may set, lowest and highest. */
const LIMITS = {
  memoryMb: [8, 65_536],
  entryMs: [10, 60_000],
  openFiles: [16, 65_536],
  processes: [1, 4096],
  callsPerSecond: [1, 100_000],
  logsPerSecond: [1, 10_000],
  logBytesPerSecond: [1024, 16_777_216],
  stepMs: [10, 86_400_000],
} as const;

export type PolicyLimits = { readonly match: string } & {
  readonly [L in keyof typeof LIMITS]?: number;
};

const isPolicy = guardOf<TrustPolicy>(policyForm(LIMITS));

/** The policy that the file's text holds; throws HUB_REQUEST_INVALID naming the field. */
export function readTrustPolicy(text: string): TrustPolicy {
  return parseTrustPolicy(jsonOf(text));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid('', error instanceof Error ? error.message.slice(0, 200) : 'not JSON');
  }
}

/** The policy that `value` holds; throws HUB_REQUEST_INVALID naming the field. */
export function parseTrustPolicy(value: unknown): TrustPolicy {
  if (!isPolicy(value)) {
    const [error] = isPolicy.problems;
    throw invalid(error?.instancePath ?? '', error?.message ?? 'not JSON');
  }
  for (const [hint, { spki, alg }] of Object.entries(value.keys)) {
    if (hint === 'unsigned') throw invalid(`/keys/${hint}`, 'is what unsigned plugins go by');
    if (readPublicKey(spki)?.alg !== alg) throw invalid(`/keys/${hint}/spki`, `is no ${alg} key`);
  }
  if (readPublicKey(value.log.spki)?.alg !== 'ed25519')
    throw invalid('/log/spki', 'is no ed25519 key');
  checkRegistries(value);
  const odd = value.networks?.findIndex((network) => !isNetwork(network)) ?? -1;
  if (odd >= 0) throw invalid(`/networks/${String(odd)}`, 'is no network such as 10.0.0.0/8');
  return value;
}

function invalid(at: string, problem: string): HubError<'HUB_REQUEST_INVALID'> {
  return new HubError('HUB_REQUEST_INVALID', {
    field: `trust-policy.json ${at}`.trim(),
    value: problem,
    cure: 'Mend the file; a fresh data folder shows its form.',
  });
}

/** A registry is named once, has a key that can be read, and every namespace names one of them. */
function checkRegistries({ registries = [], namespaces, log }: TrustPolicy): void {
  const known = new Set([log.origin]);
  for (const [index, { origin: name, logKey }] of registries.entries()) {
    const at = `/registries/${String(index)}`;
    if (known.has(name)) throw invalid(`${at}/origin`, 'is named twice');
    if (readPublicKey(logKey)?.alg !== 'ed25519')
      throw invalid(`${at}/logKey`, 'is no ed25519 key');
    known.add(name);
  }
  for (const [index, entry] of namespaces.entries())
    checkNamespace(`/namespaces/${String(index)}`, entry, known);
}

function checkNamespace(at: string, entry: PolicyNamespace, origins: ReadonlySet<string>): void {
  const { match, origin, keyring, require, approvers = [] } = entry;
  if (match === '*/*' && origin === undefined)
    throw invalid(`${at}/match`, 'needs the origin of a registry');
  if (keyring === true && origin === undefined)
    throw invalid(`${at}/keyring`, 'needs the origin whose log holds it');
  if (origin !== undefined && !origins.has(origin))
    throw invalid(`${at}/origin`, 'is no registry of this file');
  if (require !== undefined && approvers.length === 0)
    throw invalid(`${at}/approvers`, 'must name who vouches for what is required');
}

/** The keys of the policy that go by these hints: hint → base64 DER SubjectPublicKeyInfo. */
export function keysBy(
  { keys }: TrustPolicy,
  hints: readonly string[],
): ReadonlyMap<string, string> {
  const known = new Map(Object.entries(keys));
  return new Map(
    hints.flatMap((hint) => {
      const key = known.get(hint);
      return key === undefined ? [] : [[hint, key.spki] as const];
    }),
  );
}

/** Keys that may sign for `plugin` when it comes from `origin`, as far as the policy itself names them. */
export function signersFor(
  policy: TrustPolicy,
  plugin: string,
  origin: string = policy.log.origin,
): ReadonlyMap<string, string> {
  const entries = entriesFor(policy, plugin).filter((it) => originOf(policy, it) === origin);
  return keysBy(
    policy,
    entries.flatMap((it) => it.signers ?? []),
  );
}

/** Where an entry's plugins come from. */
export const originOf = ({ log }: TrustPolicy, entry: PolicyNamespace): string =>
  entry.origin ?? log.origin;

/** The policy's entries for a plugin, in its order. */
export function entriesFor(policy: TrustPolicy, plugin: string): readonly PolicyNamespace[] {
  return policy.namespaces.filter((it) => covers(it.match, plugin));
}

/** True when a hub in development mode may load `plugin` unsigned: nobody is named who signs for it, and it is on the list where there is one. */
export function mayBeUnsigned(policy: TrustPolicy, plugin: string): boolean {
  const isSigned = entriesFor(policy, plugin).some(
    (it) => it.match !== '*/*' || (it.signers ?? []).length > 0,
  );
  const allowed = policy.unsigned?.allow ?? ['*/*'];
  return !isSigned && allowed.some((it) => covers(it, plugin));
}

/** True when the policy lets `plugin` hold a device. */
export function mayDrive(policy: TrustPolicy, plugin: PluginId): boolean {
  return policy.drivers.some((it) => covers(it, plugin));
}

/** What the policy sets for `plugin`, besides the defaults. */
export function limitsOf(policy: TrustPolicy, plugin: PluginId): Omit<PolicyLimits, 'match'> {
  const set = policy.limits?.filter((it) => covers(it.match, plugin)) ?? [];
  return Object.assign({}, ...set.map(({ match: _match, ...rest }) => rest)) as PolicyLimits;
}

function isNetwork(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/u.test(prefix) && Number(prefix) <= bits;
}

function covers(pattern: string, plugin: string): boolean {
  if (pattern === '*/*') return true;
  if (!pattern.endsWith('/*')) return pattern === plugin;
  return plugin.startsWith(pattern.slice(0, -1));
}
