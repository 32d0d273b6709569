import type {
  AuditRecord,
  CapabilityName,
  Grant,
  HubError,
  Json,
  JsonObject,
  Need,
  NodeType,
  PluginId,
  RunId,
  StepReport,
  WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import type {
  InstalledPlugin,
  ListenRequest,
  SegmentRequest,
  ServeRequest,
} from '@runtime-hub/plugin-sdk/hosting';

/** Everything the kernel needs from outside. Nothing in kernel/ reaches for clock, disk, socket or randomness itself. */
export type * from '@runtime-hub/plugin-sdk/hosting';

export interface PluginSource {
  /** The current version, or the one named; null when there is none that may run. */
  get(id: PluginId, version?: string): InstalledPlugin | null;
  /** Why there is none, when it is not that none is installed. */
  refusal?(id: PluginId, version?: string): HubError | null;
  /** Current versions. */
  list(): readonly InstalledPlugin[];
}

/** What is durable about a run besides its journal entries. */
export interface RunRecord {
  readonly id: RunId;
  readonly workflow: WorkflowDocument;
  /** The grants of other workspaces do not count for it. */
  readonly workspace: string;
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
 * Durable inputs of runs. What is asked for in one event-loop turn is one transaction (group commit). Each call resolves
 * when it survives power loss, in the order of the calls; nothing need wait for the one before. `append` and `end` reject
 * with RUN_FENCED when another owner claimed the run after `epoch`, which is 1 for a new run.
 */
export interface Journal {
  create(record: RunRecord): Promise<void>;
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

/** Runs segments in hosts. Rejects with HubError (STEP_TIMED_OUT, HOST_…); a step's own error is a report. */
export interface StepExecutor {
  run(request: SegmentRequest, signal: AbortSignal): Promise<readonly StepReport[]>;
}

/** Keeps a trigger node listening. `onEvent` resolves when the event was taken. Resolves when `signal` aborts; rejects with HubError. */
export interface TriggerListener {
  listen(
    request: ListenRequest,
    onEvent: (outputs: JsonObject) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

/** A node of a plan, as far as it says what it may use. */
export interface NodeUses {
  readonly plugin: PluginId;
  readonly version?: string | undefined;
  readonly nodeType: Pick<NodeType, 'uses'>;
}

/** Who uses a capability; made by the kernel from the channel, never from a message. */
export interface Caller {
  readonly plugin: PluginId;
  /** The current one when left out. */
  readonly version?: string | undefined;
  readonly run: RunId | null;
  readonly workspace: string;
  readonly workflow: string | null;
  readonly node: string | null;
  /** The host the call came from, or null inside the hub. */
  readonly host: string | null;
}

/** One use of a service, whose first needs are granted. */
export interface ServiceUse {
  readonly caller: Caller;
  /** Aborts when nobody waits any more, or a grant it rests on is gone. */
  readonly signal: AbortSignal;
  /** Asks for what was not known before, such as where a redirect leads. Throws CAPABILITY_DENIED and its like. */
  readonly permit: (need: Need) => void;
}

/** A capability that the hub provides itself: log, state, blobs, files, requests. */
export interface Service {
  readonly capability: CapabilityName;
  call(operation: string, args: Json, use: ServiceUse): Promise<Json>;
}

/** Reaches the host of a plugin that provides a capability. */
export interface Provider {
  serve(provider: PluginId, request: ServeRequest, signal: AbortSignal): Promise<Json>;
}

export interface GrantStore {
  list(): readonly Grant[];
  /** Inserts or replaces by id; durable when it returns. */
  put(grant: Grant): void;
}

export interface Audit {
  /** Keeps the order of calls; durable with the next group commit. */
  append(record: AuditRecord): void;
}

/** What a plugin asks of a capability; not yet checked. */
export interface CapabilityRequest {
  readonly capability: CapabilityName;
  readonly operation: string;
  readonly args: Json;
  /** Its number on the channel of the caller's host. */
  readonly call?: number;
}

/** Decides one use of a capability and passes it on; the one gate. */
export interface CapabilityGate {
  call(caller: Caller, request: CapabilityRequest, signal: AbortSignal): Promise<Json>;
}
