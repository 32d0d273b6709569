import type { Permission } from './capability.ts';
import type { PluginId, RunId } from './ids.ts';

interface Asked {
  readonly id: string;
  readonly plugin: PluginId;
  /** Key hint of the publisher whose plugin it is; another publisher's plugin of the same id has no part in it. */
  readonly publisher: string;
  readonly permission: Permission;
  /** Milliseconds since 1970 of what `status` says. */
  readonly at: number;
}

/** One permission of one plugin and what became of it. `until`: when it ends, null for never. */
export type Grant =
  | (Asked & { readonly status: 'requested' })
  | (Asked & { readonly status: 'granted'; readonly by: string; readonly until: number | null })
  | (Asked & { readonly status: 'denied' | 'revoked'; readonly by: string });

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
}
