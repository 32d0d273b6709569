import * as Type from 'typebox';
import type { Permission } from './capability.ts';
import type { PluginId, RunId } from './ids.ts';

/** Where a run belongs when nobody said. */
export const DEFAULT_WORKSPACE = 'default';
/** A name that runs belong to, and that grants may be bound to. */
export const WorkspaceSchema = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' });

interface Asked {
  readonly id: string;
  readonly plugin: PluginId;
  /** Key hint of the publisher whose plugin it is; another publisher's plugin of the same id has no part in it. */
  readonly publisher: string;
  readonly permission: Permission;
  /** Where it holds; null for everywhere. */
  readonly workspace: string | null;
  /** Milliseconds since 1970 of what `status` says. */
  readonly at: number;
}

interface Decided extends Asked {
  readonly by: string;
  /** Why, in the words of who decided; as they typed it, so show it with `visible`. */
  readonly reason: string | null;
}

/** One permission of one plugin and what became of it. `until`: when it ends, null for never. */
export type Grant =
  | (Asked & { readonly status: 'requested' })
  | (Decided & { readonly status: 'granted'; readonly until: number | null })
  | (Decided & { readonly status: 'denied' | 'revoked' });

/** One line of the audit: a use of a capability, or a decision about one. */
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
  /** Of a decision: where it holds (null for everywhere) and why. */
  readonly workspace?: string | null;
  readonly reason?: string | null;
}
