import * as Type from 'typebox';
import type { Static } from 'typebox';
import { CapabilityNameSchema } from './capability.ts';
import { ErrorReport } from './errors.ts';
import { NODE_NAME_PATTERN, PluginIdSchema } from './ids.ts';
import { AnyJson, AnyObject } from './json.ts';

/**
 * Frames between the hub and a host, both ways on the host's file descriptor 3: four bytes little-endian
 * length, then UTF-8 JSON. Each side numbers its own requests; a `reply` closes the request its receiver made.
 * A frame with an unknown id, an unknown kind or more bytes than allowed is a protocol error: the host is killed.
 */
export const MAX_FRAME_BYTES = 1_048_576;
export const MAX_JSON_DEPTH = 64;
/** Requests one side may have outstanding at the other. */
export const MAX_OUTSTANDING = 256;

const closed = { additionalProperties: false } as const;
const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const NodeName = Type.String({ pattern: NODE_NAME_PATTERN });

/** Where a segment's step takes an input from: an earlier step of the same segment. */
export const SegmentLink = Type.Object({ from: NodeName, port: NodeName }, closed);

/** A step of a segment as far as it never changes between runs. */
export const SegmentStep = Type.Object(
  {
    node: NodeName,
    type: Type.String(),
    config: AnyObject,
    inputs: AnyObject,
    links: Type.Record(Type.String(), SegmentLink),
  },
  closed,
);
export type SegmentStep = Static<typeof SegmentStep>;

/** What one run adds to a step of a segment: computed config and inputs that arrived. */
export const StepValues = Type.Object(
  {
    config: Type.Optional(AnyObject),
    inputs: Type.Optional(AnyObject),
    attempt: Type.Optional(Type.Integer()),
  },
  closed,
);
export type StepValues = Static<typeof StepValues>;

export const StepReport = Type.Union([
  Type.Object(
    { node: NodeName, ok: Type.Literal(true), outputs: AnyObject, ms: Type.Number() },
    closed,
  ),
  Type.Object(
    { node: NodeName, ok: Type.Literal(false), error: ErrorReport, ms: Type.Number() },
    closed,
  ),
]);
export type StepReport = Static<typeof StepReport>;

const Reply = Type.Union([
  Type.Object({ t: Type.Literal('reply'), id: Id, ok: Type.Literal(true), value: AnyJson }, closed),
  Type.Object(
    { t: Type.Literal('reply'), id: Id, ok: Type.Literal(false), error: ErrorReport },
    closed,
  ),
]);
const Cancel = Type.Object({ t: Type.Literal('cancel'), id: Id }, closed);

const Load = Type.Object(
  {
    t: Type.Literal('load'),
    id: Id,
    plugin: PluginIdSchema,
    /** Isolate hosts get the source in pieces; `last` starts it. The others import what lies at /plugin and get ''. */
    source: Type.String(),
    last: Type.Boolean(),
    memoryMb: Type.Integer({ minimum: 8 }),
    /** CPU time one entry into the isolate may take. */
    entryMs: Type.Integer({ minimum: 1 }),
  },
  closed,
);
/** Makes a segment known under a name of the hub's choosing; sent once per host. No reply. */
const Define = Type.Object(
  { t: Type.Literal('define'), segment: Type.String(), steps: Type.Array(SegmentStep) },
  closed,
);
/** Runs a segment's steps in order; a step whose link brought nothing is left out; stops at the first error. Reply: StepReport[]. */
const Run = Type.Object(
  {
    t: Type.Literal('run'),
    id: Id,
    segment: Type.String(),
    run: Type.String(),
    workflow: Type.String(),
    values: Type.Record(Type.String(), StepValues),
    deadlineMs: Type.Integer({ minimum: 1 }),
  },
  closed,
);
/** Starts a trigger node; it sends `event` frames until cancelled. Reply when it ends. */
const Listen = Type.Object(
  {
    t: Type.Literal('listen'),
    id: Id,
    node: NodeName,
    type: Type.String(),
    config: AnyObject,
    workflow: Type.String(),
  },
  closed,
);
/** The sender of `listen` allows `n` more events. */
const Credit = Type.Object(
  { t: Type.Literal('credit'), id: Id, n: Type.Integer({ minimum: 1 }) },
  closed,
);
/** Asks a providing plugin to perform an operation for `caller`. */
const Serve = Type.Object(
  {
    t: Type.Literal('serve'),
    id: Id,
    capability: CapabilityNameSchema,
    operation: Type.String(),
    args: AnyJson,
    caller: PluginIdSchema,
    /** The receiver's own call, when it asked for what it provides itself: it may go on with the result at once. */
    answers: Type.Optional(Id),
    deadlineMs: Type.Integer({ minimum: 1 }),
  },
  closed,
);
export const HubFrame = Type.Union([Load, Define, Run, Listen, Credit, Serve, Cancel, Reply]);
export type HubFrame = Static<typeof HubFrame>;

/** A host is up; before it the hub sends nothing. */
const Hello = Type.Object({ t: Type.Literal('hello'), pid: Type.Integer() }, closed);
/** A plugin uses a capability while it works on the hub's request `within` (a run, listen or serve). */
const Call = Type.Object(
  {
    t: Type.Literal('call'),
    id: Id,
    within: Id,
    node: Type.Optional(NodeName),
    capability: CapabilityNameSchema,
    operation: Type.String({ maxLength: 64 }),
    args: AnyJson,
  },
  closed,
);
const Event = Type.Object({ t: Type.Literal('event'), id: Id, value: AnyObject }, closed);
const Log = Type.Object(
  {
    t: Type.Literal('log'),
    within: Type.Optional(Id),
    level: Type.Unsafe<'debug' | 'info' | 'warn' | 'error'>({
      enum: ['debug', 'info', 'warn', 'error'],
    }),
    text: Type.String({ maxLength: 8192 }),
  },
  closed,
);
export const HostFrame = Type.Union([Hello, Call, Event, Log, Cancel, Reply]);
export type HostFrame = Static<typeof HostFrame>;
