import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Clock } from '../clock.ts';

/** So many acts per minute for each key; unused ones are saved up to one minute's worth. */
export interface RateLimit {
  /** Throws REGISTRY_RATE_EXCEEDED when `key` has used up its share. */
  take(key: string): void;
}

const MINUTE_MS = 60_000;
/** More keys than this are not kept apart: the fullest are forgotten first. */
const MAX_KEYS = 10_000;

/** `perMinute` null: no limit. */
export function rateLimit(perMinute: number | null, clock: Clock): RateLimit {
  if (perMinute === null) return { take: () => undefined };
  const left = new Map<string, { tokens: number; at: number }>();
  return {
    take: (key) => {
      const now = clock.now();
      const bucket = left.get(key) ?? { tokens: perMinute, at: now };
      const gained = (Math.max(0, now - bucket.at) * perMinute) / MINUTE_MS;
      const tokens = Math.min(perMinute, bucket.tokens + gained);
      left.delete(key);
      left.set(key, { tokens: Math.max(0, tokens - 1), at: now });
      if (left.size > MAX_KEYS) left.delete(left.keys().next().value ?? '');
      if (tokens >= 1) return;
      left.set(key, { tokens, at: now });
      const retryAfterMs = Math.ceil(((1 - tokens) * MINUTE_MS) / perMinute);
      throw new HubError('REGISTRY_RATE_EXCEEDED', { retryAfterMs });
    },
  };
}
