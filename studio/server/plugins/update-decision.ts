import type { TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import {
  permissionDiff,
  type Manifest,
  type PermissionDiff,
} from '@runtime-hub/plugin-sdk/contract';
import semver from 'semver';

/** Why a new version waits for a person. */
export const HOLD_REASONS = ['permissions', 'publisher', 'runtime', 'provides', 'pinned'] as const;
export type HoldReason = (typeof HOLD_REASONS)[number];

/** A version as far as a decision about an update looks at it. */
export interface Candidate {
  readonly manifest: Manifest;
  readonly publisher: string;
}

export interface UpdateDecision {
  /** Empty when it may take the old one's place at once. */
  readonly reasons: readonly HoldReason[];
  readonly diff: PermissionDiff;
}

/** Compares what two versions may do and who is behind them. `before` is null for a plugin that was not installed. */
export function decideUpdate(
  before: Candidate | null,
  after: Candidate,
  { pinned }: { readonly pinned: boolean },
): UpdateDecision {
  const diff = permissionDiff(before?.manifest.permissions ?? [], after.manifest.permissions);
  if (before === null) return { reasons: [], diff };
  const { manifest: old } = before;
  const { manifest: fresh } = after;
  const found: Readonly<Record<HoldReason, boolean>> = {
    permissions: diff.added.length + diff.widened.length > 0,
    publisher: before.publisher !== after.publisher,
    runtime: old.runtime !== fresh.runtime,
    // What others ask of a capability would go to code that did not get it before.
    provides: fresh.provides.some((it) => !old.provides.includes(it)),
    pinned,
  };
  return { reasons: HOLD_REASONS.filter((it) => found[it]), diff };
}

/** True when the policy has such a step of version taken without anybody asking for it. */
export function isAutomatic({ updates }: TrustPolicy, from: string, to: string): boolean {
  const step = semver.diff(from, to);
  if (!semver.gt(to, from) || step === null) return false;
  if (updates?.auto === 'minor') return step === 'patch' || step === 'minor';
  return updates?.auto === 'patch' && step === 'patch';
}
