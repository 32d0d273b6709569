import type { Query } from './settings.ts';

/** An address with parameters set; values are encoded, so none can add another. What was there of their names goes. */
export function withQuery(url: string, query: Query): string {
  const added = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${encoded(name)}=${encoded(one)}`),
  );
  if (added.length === 0) return url;
  const [address = ''] = url.split('#', 1);
  const at = address.includes('?') ? address.indexOf('?') : address.length;
  const names = new Set(Object.keys(query).map(encoded));
  const there = address.slice(at + 1).split('&');
  const kept = there.filter((part) => part !== '' && !names.has(part.split('=', 1)[0] ?? ''));
  return `${address.slice(0, at)}?${[...kept, ...added].join('&')}`;
}

/** As encodeURIComponent does it, without its error for half a character. */
export const encoded = (value: string | number | boolean): string =>
  encodeURIComponent(String(value).toWellFormed());

const DEFAULT_PORT = /^(https:.*):443$|^(http:.*):80$/u;

/** Scheme, host and port, where it is not the usual one, in lower case; null for what is no http address. A backslash ends it, as in URL. */
export function originOf(url: string): string | null {
  const match = /^(https?):\/\/([^/?#\\]+)/iu.exec(url);
  return match === null ? null : match[0].toLowerCase().replace(DEFAULT_PORT, '$1$2');
}

/** The address a reference stands for, seen from `base` (RFC 3986 section 5, without dots: the hub takes those out). */
export function resolved(reference: string, base: string): string {
  const [origin = ''] = /^https?:\/\/[^/?#\\]+/iu.exec(base) ?? [];
  if (originOf(reference) !== null) return reference;
  if (/^[/\\]{2}/u.test(reference)) return `${origin.split(':', 1)[0] ?? ''}:${reference}`;
  const [path = ''] = base.slice(origin.length).split(/[?#]/u, 1);
  if (reference.startsWith('?')) return `${origin}${path}${reference}`;
  if (reference.startsWith('/')) return `${origin}${reference}`;
  return `${origin}${path.slice(0, path.lastIndexOf('/') + 1) || '/'}${reference}`;
}

/** Where the header Link (RFC 8288) says the next page is; null when it says nothing. */
export function nextLink(header: string): string | null {
  for (const [, target = '', parameters = ''] of header.matchAll(
    /<([^<>]*)>((?:\s*;\s*[^\s=;,"<>]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"<>]*))?)*)/gu,
  )) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]*))/iu.exec(parameters);
    const relations = (rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/u);
    if (relations.includes('next')) return target.trim();
  }
  return null;
}
