import type { SearchPage } from '@runtime-hub/plugin-sdk/contract';

const LIMIT = 100;

/** Of everything a mirror lists, what a question asks for: every word somewhere in what is shown, and all filters. */
export function foundAmong(list: Buffer, asked: URLSearchParams): SearchPage {
  // SAFETY: the reader of the answer checks its form.
  const { items } = JSON.parse(list.toString('utf8')) as SearchPage;
  const words = (asked.get('q') ?? '')
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  const fits = items.filter((item) => hasAll(item, words ?? []) && meets(item, asked));
  const cursor = Number(asked.get('cursor') ?? '0');
  const from = Number.isSafeInteger(cursor) && cursor > 0 ? cursor : 0;
  const next = from + LIMIT < fits.length ? String(from + LIMIT) : null;
  return { items: fits.slice(from, from + LIMIT), next };
}

type Item = SearchPage['items'][number];

function hasAll({ id, title, description }: Item, words: readonly string[]): boolean {
  const text = `${id} ${title} ${description}`.normalize('NFKC').toLowerCase();
  return words.every((word) => text.includes(word));
}

function meets({ id, runtime, capabilities }: Item, asked: URLSearchParams): boolean {
  const fits = (name: string, test: (value: string) => boolean): boolean => {
    const value = asked.get(name);
    return value === null || test(value);
  };
  return (
    fits('capability', (value) => capabilities.some((it) => it === value)) &&
    fits('runtime', (value) => runtime === value) &&
    fits('namespace', (value) => id.startsWith(`${value}/`))
  );
}
