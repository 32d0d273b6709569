import { isIP } from 'node:net';
import {
  CapabilityNameSchema,
  HubError,
  type CapabilityName,
  type PluginId,
} from '../contract/index.ts';
import { guardOf } from './guard.ts';
import { readPublicKey, type KeyAlgorithm } from './public-key.ts';

/** Which identities may run here, and what they may do unasked; written by the admin. */
export interface TrustPolicy {
  readonly version: 1;
  /** Publisher keys by hint; `spki` is base64 DER. */
  readonly keys: Readonly<Record<string, { readonly spki: string; readonly alg: KeyAlgorithm }>>;
  readonly log: { readonly origin: string; readonly spki: string };
  /** Who may sign for which plugins; `match` is an id or `namespace/*`. */
  readonly namespaces: readonly { readonly match: string; readonly signers: readonly string[] }[];
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
} as const;

export type PolicyLimits = { readonly match: string } & {
  readonly [L in keyof typeof LIMITS]?: number;
};

const text = { type: 'string', minLength: 1, maxLength: 4096 } as const;
const match = {
  type: 'string',
  pattern: '^[a-z][a-z0-9-]{1,38}/(\\*|[a-z][a-z0-9-]{1,38})$',
} as const;
const list = (items: object): object => ({ type: 'array', items });
const record = (properties: Readonly<Record<string, object>>, more: object = {}): object => ({
  type: 'object',
  properties: { ...properties, ...more },
  required: Object.keys(properties),
  additionalProperties: false,
});

const limits = {
  type: 'object',
  properties: {
    match,
    ...Object.fromEntries(
      Object.entries(LIMITS).map(([name, [minimum, maximum]]) => [
        name,
        { type: 'integer', minimum, maximum },
      ]),
    ),
  },
  required: ['match'],
  additionalProperties: false,
} as const;
const optional = { networks: list(text), limits: list(limits) };

const isPolicy = guardOf<TrustPolicy>(
  record(
    {
      version: { const: 1 },
      keys: {
        type: 'object',
        additionalProperties: record({ spki: text, alg: { enum: ['ed25519', 'p256'] } }),
      },
      log: record({ origin: text, spki: text }),
      namespaces: list(record({ match, signers: list(text) })),
      drivers: list(match),
      autoGrant: list(JSON.parse(JSON.stringify(CapabilityNameSchema)) as object),
      minIsolation: { enum: ['strong', 'medium', 'weak'] },
    },
    optional,
  ),
);

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
    if (readPublicKey(spki)?.alg !== alg) throw invalid(`/keys/${hint}/spki`, `is no ${alg} key`);
  }
  if (readPublicKey(value.log.spki)?.alg !== 'ed25519')
    throw invalid('/log/spki', 'is no ed25519 key');
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

/** Keys that may sign for `plugin`: hint → base64 DER SubjectPublicKeyInfo. */
export function signersFor(policy: TrustPolicy, plugin: string): ReadonlyMap<string, string> {
  const hints = policy.namespaces
    .filter((it) => covers(it.match, plugin))
    .flatMap((it) => it.signers);
  const keys = new Map(Object.entries(policy.keys));
  return new Map(
    hints.flatMap((hint) => {
      const key = keys.get(hint);
      return key === undefined ? [] : [[hint, key.spki] as const];
    }),
  );
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
  if (!pattern.endsWith('/*')) return pattern === plugin;
  return plugin.startsWith(pattern.slice(0, -1));
}
