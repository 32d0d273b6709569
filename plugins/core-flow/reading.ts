/** The number that a value stands for: itself, or the `value` of a reading; null when it is none. */
export function numberIn(value: unknown): number | null {
  const candidate =
    typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
  return typeof candidate === 'number' && Number.isFinite(candidate) ? candidate : null;
}
