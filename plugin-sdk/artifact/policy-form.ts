import { CapabilityNameSchema, ORIGIN_PATTERN } from '../contract/index.ts';
import { REQUIREMENTS, UPDATE_STEPS } from './policy-words.ts';

/** Lowest and highest of each limit an admin may set. */
type Bounds = Readonly<Record<string, readonly [number, number]>>;

const text = { type: 'string', minLength: 1, maxLength: 4096 } as const;
const match = {
  type: 'string',
  pattern: '^[a-z][a-z0-9-]{1,38}/(\\*|[a-z][a-z0-9-]{1,38})$',
} as const;
const matchOrAll = { anyOf: [match, { const: '*/*' }] } as const;
const list = (items: object): object => ({ type: 'array', items });
const record = (properties: Readonly<Record<string, object>>, more: object = {}): object => ({
  type: 'object',
  properties: { ...properties, ...more },
  required: Object.keys(properties),
  additionalProperties: false,
});

const hours = { type: 'number', minimum: 0, maximum: 87_600 } as const;
const hold = { const: 'hold' } as const;
const origin = { type: 'string', pattern: ORIGIN_PATTERN } as const;
const capability = JSON.parse(JSON.stringify(CapabilityNameSchema)) as object;
const registry = record(
  {
    origin,
    url: { type: 'string', pattern: '^https?://[^ ?#]+$', maxLength: 2048 },
    logKey: text,
    tufRootSha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
  },
  { maxMetadataAgeHours: hours, minReleaseAgeHours: hours },
);
const namespace = record(
  { match: matchOrAll },
  {
    signers: list(text),
    keyring: { const: true },
    origin,
    exclusive: { type: 'boolean' },
    require: list({ enum: [...REQUIREMENTS] }),
    approvers: list(text),
  },
);
const limitsForm = (bounds: Bounds): object => ({
  type: 'object',
  properties: {
    match,
    ...Object.fromEntries(
      Object.entries(bounds).map(([name, [minimum, maximum]]) => [
        name,
        { type: 'integer', minimum, maximum },
      ]),
    ),
  },
  required: ['match'],
  additionalProperties: false,
});

const optional = (bounds: Bounds): Readonly<Record<string, object>> => ({
  networks: list(text),
  limits: list(limitsForm(bounds)),
  registries: list(registry),
  permissions: record(
    {},
    { deny: list(capability), denyHosts: list(text), requireReason: { type: 'boolean' } },
  ),
  updates: record(
    {},
    {
      auto: { enum: [...UPDATE_STEPS] },
      onMorePermissions: hold,
      onPublisherChange: hold,
      onRuntimeChange: hold,
    },
  ),
  unsigned: record({ allow: list(match) }),
});

/** JSON Schema of trust-policy.json; what only its parts together can be wrong about is checked besides. */
export const policyForm = (bounds: Bounds): object =>
  record(
    {
      version: { const: 1 },
      keys: {
        type: 'object',
        additionalProperties: record({ spki: text, alg: { enum: ['ed25519', 'p256'] } }),
      },
      log: record({ origin: text, spki: text }),
      namespaces: list(namespace),
      drivers: list(match),
      autoGrant: list(capability),
      minIsolation: { enum: ['strong', 'medium', 'weak'] },
    },
    optional(bounds),
  );
