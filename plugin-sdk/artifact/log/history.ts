import { HubError } from '../../contract/index.ts';
import type { Checkpoint } from './checkpoint.ts';
import { isConsistent } from './merkle.ts';

/** How far a log's clock may be ahead of ours: machines a day off still work, and a checkpoint can't be kept for years. */
export const MAX_AHEAD_MS = 25 * 3_600_000;

/**
 * Throws unless `offered` tells the history that was pinned, and perhaps more of it. `proof` leads from the pinned size to
 * the offered one (RFC 9162 section 2.1.4). LOG_ROLLED_BACK: it is shorter; LOG_FORKED: it is another.
 */
export function checkGrowth(
  pinned: Checkpoint,
  offered: Checkpoint,
  proof: readonly Uint8Array[],
): void {
  const { origin, size } = pinned;
  if (offered.size < size)
    throw new HubError('LOG_ROLLED_BACK', { origin, seen: size, offered: offered.size });
  const isGrown = isConsistent({
    from: size,
    to: offered.size,
    fromRoot: pinned.root,
    toRoot: offered.root,
    proof,
  });
  if (!isGrown) throw new HubError('LOG_FORKED', { origin, size });
}

/** Throws LOG_TIME_AHEAD when a checkpoint is dated so far ahead that its age would say nothing. */
export function checkNotAhead({ origin, at }: Checkpoint, now: number): void {
  const aheadMs = at - now;
  if (aheadMs > MAX_AHEAD_MS) throw new HubError('LOG_TIME_AHEAD', { origin, aheadMs });
}

/** Throws LOG_FROZEN when the log was not signed anew for longer than `maxAgeMs`, which it does even while idle. */
export function checkFresh({ origin, at }: Checkpoint, now: number, maxAgeMs: number): void {
  const ageMs = now - at;
  if (ageMs > maxAgeMs) throw new HubError('LOG_FROZEN', { origin, ageMs, maxAgeMs });
}
