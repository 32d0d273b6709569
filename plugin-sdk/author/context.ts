import type { BlobHandle, CapabilityName, Json } from '../contract/index.ts';

/** What every piece of plugin code gets. Every call goes through the hub's broker; nothing is reachable otherwise. */
interface CommonContext {
  /** Aborts when the step times out, is cancelled, or loses a grant it is using. */
  readonly signal: AbortSignal;
  readonly log: {
    debug(text: string): void;
    info(text: string): void;
    warn(text: string): void;
    error(text: string): void;
  };
  /** Uses a capability. Rejects with an error whose `code` is one of the contract's, e.g. CAPABILITY_DENIED. */
  call(capability: CapabilityName, operation: string, args: Json): Promise<Json>;
  readonly state: {
    /** The value kept under `key` for this plugin and workflow; null when there is none. */
    get(key: string): Promise<Json>;
    /** Keeps `value` (at most 64 KiB as JSON); null removes it. */
    set(key: string, value: Json): Promise<void>;
    /** Keeps `value` only when what is kept now equals `expected`; `before` is what was there. One call, so nothing comes in between. */
    replace(
      key: string,
      expected: Json,
      value: Json,
    ): Promise<{ readonly replaced: boolean; readonly before: Json }>;
  };
  /** Process and driver runtimes only; in an isolate both reject. */
  readonly blobs: {
    read(blob: BlobHandle): Promise<Uint8Array>;
    write(bytes: Uint8Array, mime: string): Promise<BlobHandle>;
  };
  /** Resolves after `ms`; rejects when `signal` aborts. */
  sleep(ms: number): Promise<void>;
}

export interface StepContext extends CommonContext {
  readonly run: string;
  readonly workflow: string;
  readonly node: string;
  readonly attempt: number;
  /** The same for every attempt of this step of this run. */
  readonly idempotencyKey: string;
}

export interface TriggerContext extends CommonContext {
  readonly workflow: string;
  readonly node: string;
}

export interface ServeContext extends CommonContext {
  /** Id of the plugin that asked. */
  readonly caller: string;
}
