import type { Readable, Writable } from 'node:stream';
import type {
  CapabilityName,
  HubEvent,
  Json,
  JsonObject,
  Manifest,
  Need,
  Permission,
  PluginId,
  RunId,
  StepReport,
  SegmentStep,
  StepValues,
  WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';

/** Everything the kernel needs from outside. Nothing in kernel/ reaches for clock, disk, socket or randomness itself. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `fn` once after `ms`; disposing stops it. */
  after(ms: number, fn: () => void): Disposable;
}

/** Unguessable ids, lower-case hex and dashes. */
export interface Ids {
  next(): string;
}

// ---- plugins -------------------------------------------------------------------------------------------------

/** A plugin whose artifact, signature and publisher were verified in this life of the hub. */
export interface InstalledPlugin {
  readonly manifest: Manifest;
  /** `sha512-<hex>` of the artifact. */
  readonly digest: string;
  /** Key hint of the publisher that signed it. */
  readonly publisher: string;
  /** Folder with the artifact's files, read-only, every file checked. */
  readonly folder: string;
}

export interface PluginSource {
  get(id: PluginId): InstalledPlugin | null;
  list(): readonly InstalledPlugin[];
}

// ---- runs ----------------------------------------------------------------------------------------------------

/** What is durable about a run besides its journal entries. */
export interface RunRecord {
  readonly id: RunId;
  readonly workflow: WorkflowDocument;
  /** Outputs of the trigger node that started it; null when a person did. */
  readonly trigger: { readonly node: string; readonly outputs: JsonObject } | null;
  readonly createdAt: number;
}

/** One durable input of a run's machine; `seq` counts 1, 2, 3 … within the run. */
export interface JournalEntry {
  readonly seq: number;
  readonly at: number;
  /** A machine input (kernel/run/machine.ts) as JSON. */
  readonly input: Json;
}

export interface OpenRun {
  readonly record: RunRecord;
  readonly entries: readonly JournalEntry[];
  readonly epoch: number;
}

/**
 * Durable inputs of runs. Appends of one event-loop turn are one transaction (group commit). `append` resolves when the
 * entries survive power loss; rejects with RUN_FENCED when another owner claimed the run after `epoch`.
 * Appends of one run are kept in call order.
 */
export interface Journal {
  create(record: RunRecord): Promise<{ readonly epoch: number }>;
  append(run: RunId, epoch: number, entries: readonly JournalEntry[]): Promise<void>;
  /** Marks a run ended; it is no longer open. */
  end(
    run: RunId,
    epoch: number,
    status: 'succeeded' | 'failed' | 'cancelled',
    at: number,
  ): Promise<void>;
  /** Takes a run over: raises its epoch and returns all of it; null when it is unknown or ended. */
  claim(run: RunId): Promise<OpenRun | null>;
  /** Ids of runs that have not ended, oldest first. */
  open(): Promise<readonly RunId[]>;
}

// ---- steps ---------------------------------------------------------------------------------------------------

/** One or more steps of one plugin that travel together. */
export interface SegmentRequest {
  readonly run: RunId;
  readonly workflow: string;
  readonly plugin: PluginId;
  /** Stable name of the segment within a plan: equal names have equal steps. */
  readonly segment: string;
  readonly steps: readonly SegmentStep[];
  readonly values: Readonly<Record<string, StepValues>>;
  readonly deadlineMs: number;
}

/** Runs segments in hosts. Rejects with HubError (STEP_TIMED_OUT, HOST_…); a step's own error is a report. */
export interface StepExecutor {
  run(request: SegmentRequest, signal: AbortSignal): Promise<readonly StepReport[]>;
}

/** Keeps a trigger node listening. `onEvent` resolves when the event was taken. Resolves when `signal` aborts; rejects with HubError. */
export interface TriggerListener {
  listen(
    request: {
      readonly plugin: PluginId;
      readonly node: string;
      readonly type: string;
      readonly config: JsonObject;
      readonly workflow: string;
    },
    onEvent: (outputs: JsonObject) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

// ---- capabilities --------------------------------------------------------------------------------------------

/** Who uses a capability; made by the kernel from the channel, never from a message. */
export interface Caller {
  readonly plugin: PluginId;
  readonly run: RunId | null;
  readonly workflow: string | null;
  readonly node: string | null;
  /** The host the call came from, or null inside the hub. */
  readonly host: string | null;
}

/** A capability that the hub provides itself: log, state, blobs. */
export interface Service {
  readonly capability: CapabilityName;
  call(operation: string, args: Json, caller: Caller, signal: AbortSignal): Promise<Json>;
}

/** Reaches the host of a plugin that provides a capability. */
export interface Provider {
  serve(
    provider: PluginId,
    request: {
      readonly capability: CapabilityName;
      readonly operation: string;
      readonly args: Json;
      readonly caller: PluginId;
    },
    signal: AbortSignal,
  ): Promise<Json>;
}

export type Grant =
  | {
      readonly status: 'requested';
      readonly id: string;
      readonly plugin: PluginId;
      readonly publisher: string;
      readonly permission: Permission;
      readonly at: number;
    }
  | {
      readonly status: 'granted';
      readonly id: string;
      readonly plugin: PluginId;
      readonly publisher: string;
      readonly permission: Permission;
      readonly at: number;
      readonly by: string;
      readonly until: number | null;
    }
  | {
      readonly status: 'denied';
      readonly id: string;
      readonly plugin: PluginId;
      readonly publisher: string;
      readonly permission: Permission;
      readonly at: number;
      readonly by: string;
    }
  | {
      readonly status: 'revoked';
      readonly id: string;
      readonly plugin: PluginId;
      readonly publisher: string;
      readonly permission: Permission;
      readonly at: number;
      readonly by: string;
    };

export interface GrantStore {
  list(): readonly Grant[];
  /** Inserts or replaces by id; durable when it returns. */
  put(grant: Grant): void;
}

export interface AuditRecord {
  readonly at: number;
  readonly plugin: PluginId;
  readonly need: string;
  readonly operation: string;
  readonly decision:
    | 'allowed'
    | 'denied'
    | 'rate-exceeded'
    | 'granted'
    | 'revoked'
    | 'requested'
    | 'refused';
  readonly run: RunId | null;
  readonly node: string | null;
  readonly by: string | null;
}

export interface Audit {
  /** Keeps the order of calls; durable with the next group commit. */
  append(record: AuditRecord): void;
}

/** Lets a host read the blobs that a text sent to it names, and forgets a host's rights when it ends. */
export interface BlobAccess {
  /** Grants host `host` every blob handle inside `value`. Throws BLOB_NOT_FOUND for a handle that `from` (a host id, or null for the hub) may not read. */
  share(value: Json, from: string | null, host: string): void;
  /** Prepares the folders of a host: `inFolder` (it reads) and `outFolder` (it writes). */
  open(host: string): { readonly inFolder: string; readonly outFolder: string };
  close(host: string): void;
}

// ---- hosts ---------------------------------------------------------------------------------------------------

/** What a host may use of the machine. */
export interface HostLimits {
  readonly memoryMb: number;
  readonly entryMs: number;
  readonly openFiles: number;
  readonly processes: number;
}

export interface LaunchSpec {
  readonly host: string;
  readonly runtime: 'isolate' | 'process' | 'driver';
  /** Null for a warm spare of the isolate runtime. */
  readonly plugin: InstalledPlugin | null;
  readonly blobs: { readonly inFolder: string; readonly outFolder: string } | null;
  readonly limits: HostLimits;
}

/** A started host process. `input`/`output` are its file descriptor 3; stdout and stderr are for logs only. */
export interface HostProcess {
  readonly pid: number;
  readonly input: Writable;
  readonly output: Readable;
  readonly logs: Readable;
  /** Resolves once, when the process and everything it started is gone. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  kill(): void;
}

/** Starts hosts inside a jail. Throws JAIL_UNAVAILABLE rather than starting one without. */
export interface Launcher {
  launch(spec: LaunchSpec): Promise<HostProcess>;
}

// ---- bus -----------------------------------------------------------------------------------------------------

export interface EventSink {
  emit(event: HubEvent): void;
}

/** Decides one use of a capability and passes it on; the one gate. */
export interface CapabilityGate {
  call(
    caller: Caller,
    need: Need | null,
    request: {
      readonly capability: CapabilityName;
      readonly operation: string;
      readonly args: Json;
    },
    signal: AbortSignal,
  ): Promise<Json>;
}
