import * as Type from 'typebox';
import type { Static } from 'typebox';
import { CAPABILITY_NAMES, CapabilityNameSchema } from './capability.ts';
import { DigestSchema, PluginIdSchema, VersionSchema } from './ids.ts';
import { Manifest, RUNTIMES, type Runtime } from './manifest.ts';

/**
 * What a registry and its clients say to each other over `/v1` (REGISTRY.md, The protocol). Times are milliseconds since
 * 1970; errors are RFC 9457 problems whose `code` is one of the error table's.
 */
const closed = { additionalProperties: false } as const;
const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const ORIGIN_PATTERN = '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$';
const OriginSchema = Type.String({ pattern: ORIGIN_PATTERN });
const Time = Type.Number({ minimum: 0 });
const Index = Type.Integer({ minimum: 0 });
const Hint = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' });
const Base64 = Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$', maxLength: 16_384 });
const Text = Type.String({ maxLength: 1000 });
export const NAMESPACE_PATTERN = '^[a-z][a-z0-9-]{1,38}$';
const Namespace = Type.String({ pattern: NAMESPACE_PATTERN });

/**
 * `staged`: uploaded, not yet scanned · `quarantined`: waits for review or its minimum age · `active`: may be installed ·
 * `deprecated`: may, with a warning · `yanked`: no new installs · `revoked`: hosts stop it at once.
 */
export const VERSION_STATES = [
  'staged',
  'quarantined',
  'active',
  'deprecated',
  'yanked',
  'revoked',
] as const;
export type VersionState = (typeof VERSION_STATES)[number];
const State = Type.Unsafe<VersionState>({ enum: [...VERSION_STATES] });

/** `GET /v1/`: who this registry is and what it takes. `logKey`: base64 SPKI of the Ed25519 key of its log. */
export const Discovery = Type.Object(
  {
    api: Type.Literal(1),
    origin: OriginSchema,
    title: Text,
    logKey: Base64,
    /** SHA-256, hex, of the first root.json of its TUF repository. */
    tufRootSha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    limits: Type.Object({ artifactBytes: Index, bundleBytes: Index }, closed),
    oidcIssuers: Type.Array(Text),
  },
  closed,
);
export type Discovery = Static<typeof Discovery>;

/** One published version. `publisher`: hint of the key that signed. `manifest` is the signed one. */
export const VersionRecord = Type.Object(
  {
    id: PluginIdSchema,
    version: VersionSchema,
    digest: DigestSchema,
    bytes: Index,
    state: State,
    reason: orNull(Text),
    publisher: Hint,
    /** By the log's clock. */
    publishedAt: Time,
    /** Leaf of its publication in the registry's log. */
    logIndex: Index,
    manifest: Manifest,
  },
  closed,
);
export type VersionRecord = Static<typeof VersionRecord>;

/** `GET /v1/plugins/{ns}/{name}`: every version, newest first by semver, and what its page shows. */
export const PluginRecord = Type.Object(
  {
    id: PluginIdSchema,
    /** Newest active version; null when there is none. */
    latest: orNull(VersionSchema),
    downloads: Index,
    versions: Type.Array(VersionRecord),
  },
  closed,
);
export type PluginRecord = Static<typeof PluginRecord>;

/** `GET /v1/plugins?q&capability&runtime&namespace&cursor&limit`. */
export const SearchPage = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          id: PluginIdSchema,
          version: VersionSchema,
          title: Text,
          description: Text,
          runtime: Type.Unsafe<Runtime>({ enum: [...RUNTIMES] }),
          capabilities: Type.Array(CapabilityNameSchema, { maxItems: CAPABILITY_NAMES.length }),
          publisher: Hint,
          publishedAt: Time,
          downloads: Index,
        },
        closed,
      ),
    ),
    next: orNull(Text),
  },
  closed,
);
export type SearchPage = Static<typeof SearchPage>;

/** What a rule found in an artifact; `hub-plugin check` and the registry's scan give the same. */
export const Finding = Type.Object(
  {
    /** Stable id of the rule, e.g. `readme-missing`. */
    rule: Type.String({ pattern: '^[a-z][a-z0-9-]{1,62}$' }),
    /** `error` refuses · `review` holds for a person · `advice` only tells. */
    severity: Type.Unsafe<'error' | 'review' | 'advice'>({ enum: ['error', 'review', 'advice'] }),
    file: orNull(Text),
    /** From 1; null for the whole file. */
    line: orNull(Type.Integer({ minimum: 1 })),
    message: Text,
    cure: Text,
  },
  closed,
);
export type Finding = Static<typeof Finding>;

/** `POST /v1/publish` (multipart: `artifact`, `bundle`; header Idempotency-Key): 201 when active, 202 when it is held. */
export const PublishReceipt = Type.Object(
  {
    id: PluginIdSchema,
    version: VersionSchema,
    digest: DigestSchema,
    state: State,
    logIndex: Index,
    findings: Type.Array(Finding),
  },
  closed,
);
export type PublishReceipt = Static<typeof PublishReceipt>;

/** `POST /v1/resolve`: ranges to exact versions, in one round trip for a whole workflow. */
export const ResolveRequest = Type.Object(
  {
    plugins: Type.Array(
      Type.Object({ id: PluginIdSchema, range: Type.String({ maxLength: 64 }) }, closed),
      {
        maxItems: 500,
      },
    ),
  },
  closed,
);
export type ResolveRequest = Static<typeof ResolveRequest>;
export const ResolveReply = Type.Object(
  {
    plugins: Type.Array(
      Type.Object(
        { id: PluginIdSchema, version: orNull(VersionSchema), digest: orNull(DigestSchema) },
        closed,
      ),
    ),
  },
  closed,
);
export type ResolveReply = Static<typeof ResolveReply>;

/** A key that may sign for a namespace, as the log has it. A release is valid when its leaf is below `revokedAtLogIndex`. */
export const KeyringEntry = Type.Object(
  {
    namespace: Namespace,
    hint: Hint,
    /** Base64 DER SubjectPublicKeyInfo. */
    spki: Base64,
    alg: Type.Unsafe<'ed25519' | 'p256'>({ enum: ['ed25519', 'p256'] }),
    role: Type.Unsafe<'signer' | 'recovery'>({ enum: ['signer', 'recovery'] }),
    /** Leaf of the claim or recovery that began this line of keys: rotation keeps it; another one is another publisher. */
    lineage: Index,
    addedAtLogIndex: Index,
    /** By the log's clock: end of the cool-down after a recovery. */
    notBefore: orNull(Time),
    notAfter: orNull(Time),
    revokedAtLogIndex: orNull(Index),
    reason: orNull(Text),
  },
  closed,
);
export type KeyringEntry = Static<typeof KeyringEntry>;

/**
 * What a leaf of the log says besides the DSSE entry of a publication. A leaf is canonical JSON; of a private namespace
 * it carries `plugin` as `sha256:<hex>` of a salt and the id instead.
 */
export const LogEvent = Type.Union([
  Type.Object(
    {
      event: Type.Literal('published'),
      plugin: Text,
      version: VersionSchema,
      digest: DigestSchema,
      publisher: Hint,
      at: Time,
    },
    closed,
  ),
  Type.Object(
    {
      event: Type.Literal('state'),
      plugin: Text,
      version: VersionSchema,
      digest: DigestSchema,
      from: State,
      to: State,
      actor: Text,
      reason: Text,
      at: Time,
    },
    closed,
  ),
  Type.Object(
    {
      event: Type.Literal('key'),
      namespace: Text,
      change: Type.Unsafe<'added' | 'revoked' | 'recovered'>({
        enum: ['added', 'revoked', 'recovered'],
      }),
      hint: Hint,
      spki: Base64,
      role: Type.Unsafe<'signer' | 'recovery'>({ enum: ['signer', 'recovery'] }),
      notAfter: orNull(Time),
      /** Of a revocation: the first leaf that no longer counts, when the key was stolen earlier; null: the event's own. */
      revokedFrom: orNull(Index),
      /** Who endorses the change, each over `keyStatement` of plugin-sdk/artifact. */
      endorsements: Type.Array(Type.Object({ hint: Hint, signature: Base64 }, closed), {
        maxItems: 4,
      }),
      actor: Text,
      reason: Text,
      at: Time,
    },
    closed,
  ),
]);
export type LogEvent = Static<typeof LogEvent>;

/** A leaf with the proof that it is in the tree of `checkpoint` (RFC 6962 section 2.1.1; C2SP tlog-checkpoint). */
export const ProvenLeaf = Type.Object(
  {
    index: Index,
    /** Base64 of the leaf's bytes. */
    leaf: Type.String({ maxLength: 2_000_000 }),
    proof: Type.Array(Base64, { maxItems: 64 }),
  },
  closed,
);
export type ProvenLeaf = Static<typeof ProvenLeaf>;

/** `GET /v1/revocations?since={logIndex}`: leaves of revocations, each proven in the tree of the checkpoint. */
export const Revocations = Type.Object(
  { checkpoint: Type.String({ maxLength: 4096 }), leaves: Type.Array(ProvenLeaf) },
  closed,
);
export type Revocations = Static<typeof Revocations>;

/** `GET /v1/log/proof?from={size}&to={size}`: RFC 6962 section 2.1.2, for clients that do not read tiles. */
export const ConsistencyProof = Type.Object(
  { from: Index, to: Index, proof: Type.Array(Base64, { maxItems: 64 }) },
  closed,
);
export type ConsistencyProof = Static<typeof ConsistencyProof>;

/** `GET /v1/changes?since={logIndex}&limit`: the log as a feed, for mirrors. */
export const Changes = Type.Object(
  {
    size: Index,
    entries: Type.Array(Type.Object({ index: Index, leaf: Type.String() }, closed)),
  },
  closed,
);
export type Changes = Static<typeof Changes>;

/** Body of `POST /v1/plugins/{ns}/{name}/{version}/{approve|deprecate|yank|revoke}`. */
export const StateChange = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 1000 }) },
  closed,
);
export type StateChange = Static<typeof StateChange>;

/** RFC 9457, `application/problem+json`. `data` is the error table's for `code`. */
export const ProblemDetails = Type.Object({
  type: Text,
  title: Text,
  status: Type.Integer(),
  detail: Text,
  code: Text,
  cure: Text,
});
export type ProblemDetails = Static<typeof ProblemDetails>;
