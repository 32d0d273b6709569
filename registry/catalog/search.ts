import { hash } from 'node:crypto';
import { CAPABILITY_NAMES, NAMESPACE_PATTERN, RUNTIMES } from '@runtime-hub/plugin-sdk/contract';
import { invalid, keep, type Kept } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import type { Question } from '../store/index.ts';

const MAX_WORDS = 8;
const MAX_QUERY = 200;
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const MAX_OFFSET = 10_000;
/** Kept pages; about 8 kB each. */
const MAX_KEPT = 2000;

/** Answers searches, each kept until anything that is listed changes. */
export interface Search {
  page(question: Question): Kept;
  forget(): void;
}

export function createSearch({ store }: Pick<Parts, 'store'>): Search {
  const known = new Map<string, Kept>();
  return {
    page: (question) => {
      const key = JSON.stringify(question);
      const found = known.get(key);
      if (found !== undefined) return found;
      const { offset, limit } = question;
      const rows = store.listed.find({ ...question, limit: limit + 1 });
      const items = rows
        .slice(0, limit)
        .map(({ item, downloads }) => `${item.slice(0, -1)},"downloads":${String(downloads)}}`);
      const end = offset + limit;
      const next = rows.length > limit && end <= MAX_OFFSET ? cursorOf(question, end) : null;
      const made = keep(`{"items":[${items.join(',')}],"next":${JSON.stringify(next)}}`);
      if (known.size >= MAX_KEPT) known.delete(known.keys().next().value ?? '');
      known.set(key, made);
      return made;
    },
    forget: () => known.clear(),
  };
}

/** What the query parameters ask. Throws REGISTRY_REQUEST_INVALID. */
export function parseQuestion(
  given: Readonly<Record<string, string>>,
  readable: readonly string[],
): Question {
  const text = given['q'] ?? '';
  if (text.length > MAX_QUERY) throw invalid('q', 'is longer than 200 characters');
  const question = {
    words: (text.normalize('NFKC').match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, MAX_WORDS),
    capability: oneOf(given, 'capability', CAPABILITY_NAMES),
    runtime: oneOf(given, 'runtime', RUNTIMES),
    namespace: namespaceOf(given['namespace']),
    readable,
    limit: limitOf(given['limit']),
    offset: 0,
  };
  return { ...question, offset: offsetOf(given['cursor'], question) };
}

function oneOf(
  given: Readonly<Record<string, string>>,
  name: string,
  known: readonly string[],
): string | null {
  const value = given[name];
  if (value === undefined) return null;
  if (known.includes(value)) return value;
  throw invalid(name, 'is none of those that are');
}

function namespaceOf(value: string | undefined): string | null {
  if (value === undefined) return null;
  if (new RegExp(NAMESPACE_PATTERN, 'u').test(value)) return value;
  throw invalid('namespace', 'has another form');
}

function limitOf(value: string | undefined): number {
  if (value === undefined) return DEFAULT_LIMIT;
  const limit = /^[0-9]{1,3}$/u.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw invalid('limit', 'is not between 1 and 100');
}

/** A cursor goes with its question only. */
function offsetOf(cursor: string | undefined, question: Question): number {
  if (cursor === undefined) return 0;
  const [, offset] = /^([0-9]{1,5})\./u.exec(cursor) ?? [];
  if (
    offset !== undefined &&
    Number(offset) <= MAX_OFFSET &&
    cursor === cursorOf(question, Number(offset))
  )
    return Number(offset);
  throw invalid('cursor', 'belongs to another search');
}

function cursorOf({ words, capability, runtime, namespace }: Question, offset: number): string {
  const asked = hash(
    'sha256',
    JSON.stringify([words, capability, runtime, namespace]),
    'base64url',
  );
  return `${String(offset)}.${asked.slice(0, 12)}`;
}
