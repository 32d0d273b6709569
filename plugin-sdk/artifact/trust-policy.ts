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
}

const text = { type: 'string', minLength: 1, maxLength: 4096 } as const;
const match = {
  type: 'string',
  pattern: '^[a-z][a-z0-9-]{1,38}/(\\*|[a-z][a-z0-9-]{1,38})$',
} as const;
const list = (items: object): object => ({ type: 'array', items });
const record = (properties: Readonly<Record<string, object>>): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

const isPolicy = guardOf<TrustPolicy>(
  record({
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
  }),
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

function covers(pattern: string, plugin: string): boolean {
  if (!pattern.endsWith('/*')) return pattern === plugin;
  return plugin.startsWith(pattern.slice(0, -1));
}
