import * as Type from 'typebox';
import type { Static } from 'typebox';
import { CapabilityNameSchema, Permission } from './capability.ts';
import { NAME_PATTERN, NODE_NAME_PATTERN, PluginIdSchema, VersionSchema } from './ids.ts';
import { JsonSchemaOfSchema } from './json.ts';

export const RUNTIMES = ['isolate', 'process', 'driver', 'python'] as const;
export type Runtime = (typeof RUNTIMES)[number];
/** The file a runtime starts with. */
export const entryOf = (runtime: Runtime): Manifest['entry'] =>
  runtime === 'python' ? 'plugin.py' : 'plugin.js';

/** May a step be run again? `pure`: always · `idempotent`: with the same key · `external`: never in silence. */
export const EFFECTS = ['pure', 'idempotent', 'external'] as const;
export type Effect = (typeof EFFECTS)[number];

const closed = { additionalProperties: false } as const;
const Ports = Type.Record(Type.String({ pattern: NODE_NAME_PATTERN }), JsonSchemaOfSchema, closed);

/** One node type as the kernel and the studio know it; derived from code at pack time. */
export const NodeType = Type.Object(
  {
    type: Type.String({ pattern: NAME_PATTERN }),
    title: Type.String({ minLength: 1, maxLength: 80 }),
    description: Type.String({ maxLength: 400 }),
    kind: Type.Unsafe<'action' | 'trigger'>({ enum: ['action', 'trigger'] }),
    effect: Type.Unsafe<Effect>({ enum: [...EFFECTS] }),
    /** `all`: runs when every connected input arrived, is skipped when one can't · `any`: when at least one arrived and none is outstanding. */
    join: Type.Unsafe<'all' | 'any'>({ enum: ['all', 'any'] }),
    config: JsonSchemaOfSchema,
    inputs: Ports,
    outputs: Ports,
    /** Inputs that may stay unconnected and unbound. */
    optionalInputs: Type.Array(Type.String({ pattern: NODE_NAME_PATTERN })),
    timeoutMs: Type.Integer({ minimum: 1, maximum: 86_400_000 }),
    /** Capabilities this node uses; a step waits for approval before it starts while one has no grant. */
    uses: Type.Array(CapabilityNameSchema),
  },
  closed,
);
export type NodeType = Static<typeof NodeType>;

/** What a plugin is and asks for: `manifest.json` of the artifact, the only thing the kernel trusts. */
export const Manifest = Type.Object(
  {
    manifestVersion: Type.Literal(1),
    id: PluginIdSchema,
    version: VersionSchema,
    title: Type.String({ minLength: 1, maxLength: 80 }),
    description: Type.String({ maxLength: 400 }),
    license: Type.String({ minLength: 1, maxLength: 64 }),
    /** Semver range of hub versions it works with. */
    engine: Type.String({ minLength: 1, maxLength: 64 }),
    runtime: Type.Unsafe<Runtime>({ enum: [...RUNTIMES] }),
    entry: Type.Unsafe<'plugin.js' | 'plugin.py'>({ enum: ['plugin.js', 'plugin.py'] }),
    permissions: Type.Array(Permission, { maxItems: 32 }),
    /** Capabilities this plugin provides to others through the broker. */
    provides: Type.Array(CapabilityNameSchema, { maxItems: 16 }),
    nodes: Type.Array(NodeType, { maxItems: 200 }),
  },
  closed,
);
export type Manifest = Static<typeof Manifest>;

/** Ports every node has besides its own: `run` (in) only orders · `done` (out) always arrives on success · `error` (out) arrives instead of failing the run when connected. */
export const IMPLICIT_INPUT = 'run';
export const IMPLICIT_OUTPUTS = ['done', 'error'] as const;
