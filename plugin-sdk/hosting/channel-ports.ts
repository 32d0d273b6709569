import type { HostFrame, HubError, HubFrame, Json } from '../contract/index.ts';
import type { Clock } from './ports.ts';

/** Frames of a host that are not replies. */
export type Incoming = Exclude<HostFrame, { t: 'reply' }>;

export interface ChannelPorts {
  readonly clock: Clock;
  /** The plugin inside, for errors. */
  readonly plugin: () => string;
  /** Time a host has to answer a cancel before it counts as unresponsive. */
  readonly graceMs: number;
  /** Takes a frame and whether its text may name a blob; throwing a FrameError makes it a protocol error. */
  readonly onFrame: (frame: Incoming, namesBlob: boolean) => void;
  /** Lets the host read the blobs a frame names, right before it is sent. Throws BLOB_NOT_FOUND. */
  readonly lend: (frame: HubFrame) => void;
  /** Throws BLOB_NOT_FOUND when the host answers with a blob that it may not read itself. */
  readonly admit: (value: Json) => void;
  /** A request gave up (deadline, abort) or was answered: what it started at the hub ends too. */
  readonly onClosed: (id: number) => void;
  /** The host broke the protocol, or did not answer a cancel in time: it must be killed. */
  readonly onBroken: (how: { readonly detail: string } | { readonly silentMs: number }) => void;
}

/** One question to a host. */
export interface Question {
  readonly frame: (id: number) => HubFrame;
  /** Null: it may last as long as it likes. */
  readonly deadlineMs: number | null;
  readonly signal: AbortSignal | null;
  /** Told the id when the frame is about to go out. */
  readonly onSent?: (id: number) => void;
  /** Told what the host says went wrong, also when nobody waits any more. */
  readonly onError?: (error: HubError) => void;
}
