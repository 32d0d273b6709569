import type { HttpRequest, HttpResponse, Json } from '@runtime-hub/plugin-sdk/contract';
import { jsonOf } from './answer.ts';
import { nextLink, originOf, resolved, withQuery } from './address.ts';
import { failed } from './problems.ts';
import type { Paging } from './settings.ts';

const MAX_TEXT = 800_000;

export interface Pages {
  readonly items: Json[];
  readonly pages: number;
  /** There is a page after the last one that was read. */
  readonly more: boolean;
  readonly last: HttpResponse;
}

/** Reads page after page, at most `maxPages`. `ask` rejects for an answer that is no page. */
export async function readPages(
  first: HttpRequest,
  paging: Paging,
  ask: (request: HttpRequest) => Promise<HttpResponse>,
): Promise<Pages> {
  const items: Json[] = [];
  const seen = new Set<string>();
  let size = 0;
  let request = paging.by === 'number' ? numbered(first, paging, 0) : first;
  for (let pages = 1; ; pages += 1) {
    seen.add(request.url);
    const last = await ask(request);
    size += last.text?.length ?? 0;
    if (size > MAX_TEXT) throw failed('The pages together are too large: set maxPages lower');
    const page = jsonOf(last);
    const found = itemsOf(page, paging.itemsAt);
    for (const item of found) items.push(item);
    const next = nextOf(first, paging, { page, found, last, pages });
    if (next === null) return { items, pages, more: false, last };
    if (pages >= (paging.maxPages ?? 10)) return { items, pages, more: true, last };
    if (seen.has(next.url)) throw failed('The pages go in a circle: one names an earlier one');
    request = next;
  }
}

interface Page {
  readonly page: Json;
  readonly found: readonly Json[];
  readonly last: HttpResponse;
  readonly pages: number;
}

function nextOf(first: HttpRequest, paging: Paging, page: Page): HttpRequest | null {
  switch (paging.by) {
    case 'link':
      return linked(first, page.last);
    case 'cursor': {
      const cursor = valueAt(page.page, paging.cursorAt);
      const usable = typeof cursor === 'number' || (typeof cursor === 'string' && cursor !== '');
      return usable
        ? { ...first, url: withQuery(first.url, { [paging.parameter]: cursor }) }
        : null;
    }
    case 'number':
      return page.found.length === 0 ? null : numbered(first, paging, page.pages);
  }
}

/** Only on the host that was asked: a header typed for one host is not for another to see. */
function linked(first: HttpRequest, { headers, url }: HttpResponse): HttpRequest | null {
  const link = nextLink(headers['link'] ?? '');
  if (link === null) return null;
  const next = resolved(link, url);
  if (originOf(next) !== originOf(first.url))
    throw failed('The next page is on another host: ask that one in a step of its own');
  return { ...first, url: next };
}

function numbered(
  first: HttpRequest,
  { parameter, first: from = 1 }: Extract<Paging, { by: 'number' }>,
  done: number,
): HttpRequest {
  return { ...first, url: withQuery(first.url, { [parameter]: from + done }) };
}

function itemsOf(page: Json, path: string | undefined): readonly Json[] {
  const found = path === undefined ? page : valueAt(page, path);
  if (Array.isArray(found)) return found as readonly Json[];
  throw failed('A page has no list where itemsAt says');
}

/** What is under keys with dots between them; undefined when one is missing. */
function valueAt(value: Json, path: string): Json | undefined {
  let found: Json | undefined = value;
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    // SAFETY: an object or a list with that very key.
    found = (found as Readonly<Record<string, Json>>)[key];
  }
  return found;
}
