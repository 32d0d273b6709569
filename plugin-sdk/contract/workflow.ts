import * as Type from 'typebox';
import type { Static } from 'typebox';
import {
  DigestSchema,
  NODE_NAME_PATTERN,
  NODE_TYPE_ID_PATTERN,
  PLUGIN_ID_PATTERN,
  VersionSchema,
} from './ids.ts';
import { AnyJson } from './json.ts';

const closed = { additionalProperties: false } as const;

/**
 * A computed value, allowed anywhere inside `config` and `inputs`: a CEL expression over
 * `inputs` (values that arrived on this node's ports), `steps` (`steps.<node>.<port>` of finished steps),
 * `trigger` (the trigger's outputs) and `run` (`run.id`). `orElse` is used when evaluation fails.
 */
export const CelBinding = Type.Object(
  { $cel: Type.String({ minLength: 1, maxLength: 2000 }), orElse: Type.Optional(AnyJson) },
  closed,
);
export type CelBinding = Static<typeof CelBinding>;

export const RetryPolicy = Type.Object(
  {
    maxAttempts: Type.Integer({ minimum: 1, maximum: 100 }),
    /** First wait; doubles per attempt with full jitter up to `maxDelayMs`. */
    delayMs: Type.Integer({ minimum: 0, maximum: 3_600_000 }),
    maxDelayMs: Type.Integer({ minimum: 0, maximum: 3_600_000 }),
  },
  closed,
);
export type RetryPolicy = Static<typeof RetryPolicy>;

export const WorkflowNode = Type.Object(
  {
    type: Type.String({ pattern: NODE_TYPE_ID_PATTERN }),
    title: Type.Optional(Type.String({ maxLength: 120 })),
    config: Type.Optional(Type.Record(Type.String(), AnyJson)),
    /** Values for input ports that no edge feeds: literals or CEL bindings. */
    inputs: Type.Optional(Type.Record(Type.String(), AnyJson)),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000 })),
    retry: Type.Optional(RetryPolicy),
    disabled: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type WorkflowNode = Static<typeof WorkflowNode>;

/** `["node.port", "node.port"]`, from an output to an input. */
export const Edge = Type.Tuple([Type.String({ maxLength: 127 }), Type.String({ maxLength: 127 })]);
export type Edge = Static<typeof Edge>;

/** A workflow as stored and shared: names as keys, layout kept apart so that a git diff is readable. */
export const WorkflowDocument = Type.Object(
  {
    format: Type.Literal('runtime-hub/workflow@1'),
    name: Type.String({ minLength: 1, maxLength: 120 }),
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    /** Exact plugin versions (and digests once locked) by plugin id. */
    plugins: Type.Optional(
      Type.Record(
        Type.String({ pattern: PLUGIN_ID_PATTERN }),
        Type.Object({ version: VersionSchema, digest: Type.Optional(DigestSchema) }, closed),
        closed,
      ),
    ),
    nodes: Type.Record(Type.String({ pattern: NODE_NAME_PATTERN }), WorkflowNode, closed),
    edges: Type.Array(Edge, { maxItems: 200_000 }),
    settings: Type.Optional(
      Type.Object(
        {
          /** Steps of one run that may be in flight at once. */
          maxParallelSteps: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          /** What happens to a step with effect `external` that was in flight when the hub died. */
          onUnknown: Type.Optional(
            Type.Unsafe<'ask' | 'retry' | 'skip' | 'fail'>({
              enum: ['ask', 'retry', 'skip', 'fail'],
            }),
          ),
          /** A trigger event while a run of this workflow is on: `latest` keeps only the newest waiting. */
          overlap: Type.Optional(
            Type.Unsafe<'latest' | 'queue' | 'skip' | 'parallel'>({
              enum: ['latest', 'queue', 'skip', 'parallel'],
            }),
          ),
        },
        closed,
      ),
    ),
    layout: Type.Optional(
      Type.Record(Type.String(), Type.Object({ x: Type.Number(), y: Type.Number() }, closed)),
    ),
  },
  closed,
);
export type WorkflowDocument = Static<typeof WorkflowDocument>;
