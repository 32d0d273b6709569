import type { BlobHandle, Json, JsonObject } from '@runtime-hub/plugin-sdk/contract';

/** What stands for a blob inside a value: its id, and whatever else it claims. */
export type NamedBlob = JsonObject & { readonly $blob: string };

/** Everything inside a value that names a blob: whatever has a text as `$blob`, so that none slips through. A schema of handles names none. */
export function handlesIn(value: Json): readonly NamedBlob[] {
  const found: NamedBlob[] = [];
  const left: Json[] = [value];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next === null || typeof next !== 'object') continue;
    if (isList(next)) {
      for (const item of next) left.push(item);
      continue;
    }
    const { $blob } = next;
    if (typeof $blob === 'string') found.push({ ...next, $blob });
    for (const item of Object.values(next)) left.push(item);
  }
  return found;
}

/** True when all that a named blob claims is so. */
export const agrees = (named: NamedBlob, kept: BlobHandle): boolean =>
  named.$blob === kept.$blob &&
  (['mime', 'sizeBytes', 'sha256'] as const).every(
    (field) => named[field] === undefined || named[field] === kept[field],
  );

// Array.isArray does not narrow readonly arrays.
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
