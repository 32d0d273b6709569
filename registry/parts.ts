import type { Context } from 'hono';
import { HubError, type VersionState } from '@runtime-hub/plugin-sdk/contract';
import type { Access, Caller } from './auth/index.ts';
import type { Blobs } from './blobs/index.ts';
import type { Downloads } from './downloads.ts';
import type { Clock } from './clock.ts';
import { notFound, type RateLimit } from './http/index.ts';
import type { Log } from './log/index.ts';
import type { Meter } from './meter.ts';
import type { Scanner } from './scan/index.ts';
import type { RootOfTrust } from './root-of-trust.ts';
import type { AuditRecord, NamespaceRow, Store, VersionRow } from './store/index.ts';

/** What just became true of a version; told after it is durable. */
export interface Change {
  readonly plugin: string;
  readonly version: string;
  readonly namespace: string;
  readonly isPrivate: boolean;
  readonly state: VersionState;
  /** Leaf that says so. */
  readonly logIndex: number;
}

export interface Limits {
  readonly artifactBytes: number;
  readonly bundleBytes: number;
  /** Per address; null: no limit. */
  readonly readsPerMinute: number | null;
  /** Per token. */
  readonly publishesPerMinute: number | null;
  /** Per address: tokens that do not hold, and exchanges. */
  readonly guessesPerMinute: number | null;
}

export const DEFAULT_LIMITS: Limits = {
  artifactBytes: 20 * 1024 * 1024,
  bundleBytes: 1024 * 1024,
  readsPerMinute: null,
  publishesPerMinute: 600,
  guessesPerMinute: 60,
};

/** What the routes are made of. */
export interface Parts {
  readonly folder: string;
  readonly store: Store;
  readonly log: Log;
  readonly blobs: Blobs;
  readonly root: RootOfTrust;
  readonly clock: Clock;
  readonly access: Access;
  readonly limits: Limits;
  readonly rates: { readonly publishes: RateLimit; readonly guesses: RateLimit };
  readonly meter: Meter;
  readonly downloads: Downloads;
  readonly scanner: Scanner;
  /** Who asks, by their token. */
  readonly caller: (context: Context) => Caller;
  /** Tells everyone inside, once a transaction is durable. */
  readonly changed: (change: Change) => void;
  readonly onChange: (listener: (change: Change) => void) => void;
  readonly audit: (record: Omit<AuditRecord, 'at'>) => void;
}

/** The version the path names, when the caller may read it. */
export function versionOf(
  { access, store, caller }: Parts,
  context: Context,
): { readonly row: VersionRow; readonly namespace: NamespaceRow } {
  const param = (name: string): string => context.req.param(name) ?? '';
  const space = param('namespace');
  const namespace = access.requireRead(caller(context), space, 'version');
  const row = store.versions.get(`${space}/${param('name')}`, param('version'));
  if (row === null) throw notFound('version');
  return { row, namespace };
}

/** Throws unless this version's bytes go to this caller: what is held goes to reviewers and its publisher, what is revoked to reviewers. */
export function requireHandedOut({ caller }: Parts, context: Context, row: VersionRow): void {
  const { plugin, version, state, namespace } = row;
  if (state === 'active' || state === 'deprecated' || state === 'yanked') return;
  const { token } = caller(context);
  if (token?.namespace === null && (token.scope === 'review' || token.scope === 'admin')) return;
  if (state === 'revoked') throw new HubError('REGISTRY_VERSION_WITHDRAWN', { plugin, version });
  if (token?.namespace !== namespace || token.scope !== 'publish') throw notFound('version');
}
