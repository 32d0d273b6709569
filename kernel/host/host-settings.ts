import type {
  BlobAccess,
  CapabilityGate,
  Clock,
  EventSink,
  HostLimits,
  Ids,
  Launcher,
} from '../ports.ts';
import type { CallLimits } from './host-calls.ts';

export interface HostPorts {
  readonly launcher: Launcher;
  readonly gate: CapabilityGate;
  readonly blobs: BlobAccess;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface HostSettings {
  readonly limits: HostLimits;
  readonly calls: CallLimits;
  /** Time for hello, and for loading a plugin. */
  readonly startMs: number;
  /** Time between a cancel and SIGKILL. */
  readonly graceMs: number;
  /** Longest a providing plugin may take over one operation. */
  readonly serveMs: number;
}
