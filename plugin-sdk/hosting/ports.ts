import type { Readable, Writable } from 'node:stream';
import type {
  CapabilityName,
  HostFrame,
  HubEvent,
  HubFrame,
  Json,
  JsonObject,
  Manifest,
  PluginId,
  RunId,
  Runtime,
  SegmentStep,
  StepValues,
} from '../contract/index.ts';
import type { Precedence } from './precedence.ts';

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

/** One or more steps of one plugin that travel together. */
export interface SegmentRequest {
  readonly run: RunId;
  readonly workspace: string;
  readonly workflow: string;
  readonly plugin: PluginId;
  /** The current one when left out. */
  readonly version?: string | undefined;
  readonly steps: readonly SegmentStep[];
  readonly values: Readonly<Record<string, StepValues>>;
  readonly deadlineMs: number;
}

/** Lets a host read the blobs that a text sent to it names, and forgets a host's rights when it ends. */
export interface BlobAccess {
  /** Grants host `host` every blob handle inside `value`. Throws BLOB_NOT_FOUND for a handle that `from` (a host id, or null for the hub) may not read. */
  share(value: Json, from: string | null, host: string): void;
  /** Prepares the folders of a host: `inFolder` (it reads) and `outFolder` (it writes). */
  open(host: string): { readonly inFolder: string; readonly outFolder: string };
  close(host: string): void;
}

/** What a host may use of the machine. */
export interface HostLimits {
  readonly memoryMb: number;
  readonly entryMs: number;
  readonly openFiles: number;
  readonly processes: number;
}

export interface LaunchSpec {
  readonly host: string;
  readonly runtime: Runtime;
  /** Null for a warm spare of the isolate runtime. */
  readonly plugin: Pick<InstalledPlugin, 'folder'> | null;
  readonly blobs: { readonly inFolder: string; readonly outFolder: string } | null;
  readonly limits: HostLimits;
}

/** A started host process. `input`/`output` are its file descriptor 3; stdout and stderr are for logs only. */
export interface HostProcess {
  readonly pid: number;
  readonly input: Writable;
  readonly output: Readable;
  readonly logs: Readable;
  /** Its place when the machine is busy; absent when it has no session of its own. */
  readonly precedence?: Precedence;
  /** Resolves once, when the process and everything it started is gone. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  kill(): void;
}

/** Starts hosts inside a jail. Throws JAIL_UNAVAILABLE rather than starting one without. */
export interface Launcher {
  launch(spec: LaunchSpec): Promise<HostProcess>;
}

export interface EventSink {
  emit(event: HubEvent): void;
}

/** One operation that a providing plugin is asked for; `caller` is who asks, by its call number `call` from `host`. */
export interface ServeRequest {
  readonly capability: CapabilityName;
  readonly operation: string;
  readonly args: Json;
  readonly caller: PluginId;
  readonly host?: string | null;
  readonly call?: number;
  /** The run it is done for: what is made meanwhile is the run's. */
  readonly run?: RunId | null;
  readonly workspace: string;
}

export interface ListenRequest {
  readonly plugin: PluginId;
  readonly version?: string | undefined;
  readonly node: string;
  readonly type: string;
  readonly config: JsonObject;
  readonly workspace: string;
  readonly workflow: string;
}

/** What a question of the hub is about: whose work a plugin's call belongs to. */
export interface Work {
  readonly run: RunId | null;
  readonly workspace: string;
  readonly workflow: string | null;
  /** Nodes that may call within it; a call that names none belongs to the first. */
  readonly nodes: readonly string[];
  /** Takes a trigger's event; only `listen` has one. */
  readonly onEvent: ((value: JsonObject) => void) | null;
}

/** A host as those see it who answer its plugin's calls. */
export interface CallLine {
  readonly host: string;
  readonly plugin: () => PluginId;
  readonly version: () => string | undefined;
  readonly reply: (frame: HubFrame) => void;
  /** True when the hub has asked a question of this number, answered or not. */
  readonly hasAsked: (id: number) => boolean;
}

/** Takes what a plugin asks and says within the hub's questions; throws FrameError for what breaks the protocol. */
export interface PluginCalls {
  open(id: number, work: Work): void;
  /** Ends a question: calls still under way within it are aborted. */
  close(id: number): void;
  closeAll(): void;
  cancel(id: number): void;
  call(frame: Extract<HostFrame, { t: 'call' }>, namesBlob: boolean): void;
  event(id: number, value: JsonObject, namesBlob: boolean): void;
  log(level: string, text: string, within: number | null): void;
}

export interface HostPorts {
  readonly launcher: Launcher;
  readonly blobs: BlobAccess;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly calls: (line: CallLine) => PluginCalls;
}

export interface HostSettings {
  readonly limits: HostLimits;
  /** Time for hello, and for loading a plugin. */
  readonly startMs: number;
  /** Time between a cancel and SIGKILL. */
  readonly graceMs: number;
  /** Longest a providing plugin may take over one operation. */
  readonly serveMs: number;
}
