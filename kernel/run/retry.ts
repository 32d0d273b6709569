import type { ErrorReport, RunId } from '@runtime-hub/plugin-sdk/contract';
import type { PlanNode } from '../workflow/plan.ts';

/** Hosts die for reasons of their own; a step that may be repeated gets a second and third one. */
const HOST_RETRY = { maxAttempts: 3, delayMs: 100, maxDelayMs: 2000 };

/** Milliseconds to wait before the next attempt, full jitter seeded by run, node and attempt; null for none. */
export function retryDelay(
  node: PlanNode,
  run: RunId,
  attempt: number,
  error: ErrorReport,
): number | null {
  const repeatable = node.nodeType.effect !== 'external' && error.code.startsWith('HOST_');
  const policy = node.retry ?? (repeatable ? HOST_RETRY : null);
  if (policy === null || !error.retryable || attempt >= policy.maxAttempts) return null;
  const ceiling = Math.min(policy.maxDelayMs, policy.delayMs * 2 ** (attempt - 1));
  return Math.floor(ceiling * fraction(`${run}/${node.name}/${String(attempt)}`));
}

/** FNV-1a of a text, its bits mixed (MurmurHash3) so that texts that differ at their end differ at all, as a number in [0, 1). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
