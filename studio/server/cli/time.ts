import { usage } from './output.ts';

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since 1970 of `30m`, `24h` or `7d` before now, or of a date. Throws HUB_REQUEST_INVALID. */
export function timeOf(field: string, text: string, now = Date.now()): number {
  const match = /^(\d{1,6})([mhd])$/u.exec(text);
  const at =
    match === null ? Date.parse(text) : now - Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
  if (Number.isFinite(at) && at >= 0) return at;
  throw usage(field, text, 'Give 30m, 24h, 7d, or a date such as 2026-11-21.');
}
