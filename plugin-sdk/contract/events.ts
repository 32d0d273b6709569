import * as Type from 'typebox';
import type { Static } from 'typebox';
import { Permission } from './capability.ts';
import { ErrorReport } from './errors.ts';
import { PluginIdSchema, RunIdSchema, VersionSchema } from './ids.ts';
import { AnyJson, AnyObject } from './json.ts';

const closed = { additionalProperties: false } as const;
const At = Type.Number();
const event = <const Name extends string, Fields extends Record<string, import('typebox').TSchema>>(
  name: Name,
  fields: Fields,
) => Type.Object({ type: Type.Literal(name), at: At, ...fields }, closed);

const Step = { run: RunIdSchema, node: Type.String(), nodeType: Type.String() };

const Decision = {
  grant: Type.String(),
  plugin: PluginIdSchema,
  capability: Type.String(),
  by: Type.String(),
  /** Where it holds; null for everywhere. */
  workspace: Type.Union([Type.String(), Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()]),
};

const Count = Type.Integer({ minimum: 0 });
const Meter = {
  plugin: PluginIdSchema,
  version: VersionSchema,
  /** `YYYY-MM-DD`, UTC. */
  day: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }),
  /** Attempts that ended, well or not. */
  steps: Count,
  /** Uses of a capability that were allowed; one call may be several uses, such as a move of a file. */
  calls: Count,
  denied: Count,
  rateExceeded: Count,
  crashes: Count,
  /** Of its hosts, from their start; what a host used in the second before its end may be missing. */
  cpuMs: Type.Number({ minimum: 0 }),
  peakRssBytes: Count,
  logBytes: Count,
  blobBytes: Count,
};

/** What one version of a plugin used on one day. */
export const MeterReading = Type.Object(Meter, closed);
export type MeterReading = Static<typeof MeterReading>;

/** Facts on the bus; `at` in milliseconds since 1970. Every one can be rebuilt from what is stored. */
export const HubEvent = Type.Union([
  event('run.started', { run: RunIdSchema, workflow: Type.String() }),
  event('run.waiting', { run: RunIdSchema, reason: Type.String() }),
  event('run.finished', {
    run: RunIdSchema,
    workflow: Type.String(),
    status: Type.Unsafe<'succeeded' | 'failed' | 'cancelled'>({
      enum: ['succeeded', 'failed', 'cancelled'],
    }),
    ms: Type.Number(),
    error: Type.Optional(ErrorReport),
  }),
  event('step.started', { ...Step, attempt: Type.Integer() }),
  event('step.finished', {
    ...Step,
    ms: Type.Number(),
    /** Left out when larger than 4 KiB. */
    outputs: Type.Optional(AnyObject),
  }),
  event('step.failed', {
    ...Step,
    attempt: Type.Integer(),
    error: ErrorReport,
    retryInMs: Type.Optional(Type.Number()),
  }),
  event('step.skipped', Step),
  event('step.waiting', { ...Step, plugin: PluginIdSchema, permissions: Type.Array(Permission) }),
  event('step.unknown', Step),
  event('permission.requested', {
    grant: Type.String(),
    plugin: PluginIdSchema,
    permission: Permission,
  }),
  event('permission.granted', Decision),
  event('permission.denied', Decision),
  event('permission.revoked', Decision),
  event('capability.used', {
    plugin: PluginIdSchema,
    need: Type.String(),
    operation: Type.String(),
    allowed: Type.Boolean(),
    run: Type.Optional(RunIdSchema),
  }),
  event('plugin.installed', {
    plugin: PluginIdSchema,
    version: Type.String(),
    /** A developer's own, which nobody signed. */
    unsigned: Type.Optional(Type.Literal(true)),
  }),
  /** A new version waits for a person; what was installed goes on running. */
  event('plugin.held', {
    plugin: PluginIdSchema,
    version: VersionSchema,
    reasons: Type.Array(Type.String()),
  }),
  /** Its registry took a version back: it was stopped, and will not start again. */
  event('plugin.revoked', {
    plugin: PluginIdSchema,
    version: VersionSchema,
    reason: Type.String(),
    /** Names of the workflows that use it. */
    workflows: Type.Array(Type.String()),
  }),
  event('plugin.removed', { plugin: PluginIdSchema }),
  event('plugin.refused', { plugin: PluginIdSchema, error: ErrorReport }),
  event('plugin.quarantined', { plugin: PluginIdSchema, reason: Type.String() }),
  event('plugin.log', {
    plugin: PluginIdSchema,
    level: Type.String(),
    text: Type.String(),
    run: Type.Optional(RunIdSchema),
  }),
  event('plugin.metered', Meter),
  event('host.started', { plugin: PluginIdSchema, pid: Type.Integer(), ms: Type.Number() }),
  event('host.ended', {
    plugin: PluginIdSchema,
    pid: Type.Integer(),
    how: Type.String(),
    /** STEP_CANCELLED when the hub closed it. */
    code: Type.String(),
  }),
  event('trigger.started', { workflow: Type.String(), node: Type.String() }),
  event('trigger.fired', { workflow: Type.String(), node: Type.String(), value: AnyJson }),
  event('trigger.ended', {
    workflow: Type.String(),
    node: Type.String(),
    error: Type.Optional(ErrorReport),
  }),
]);
export type HubEvent = Static<typeof HubEvent>;
export type HubEventType = HubEvent['type'];
/** An event with its place on the bus: 1, 2, 3 … without gaps since the hub's start. */
export type NumberedEvent = HubEvent & { readonly sequence: number };
