import { HubError, hostOf, type HttpRequest } from '@runtime-hub/plugin-sdk/contract';
import { refusedResponse } from './failures.ts';
import { unbound, withoutBody, type SentHeader } from './request-headers.ts';

/** One request of perhaps several. */
export interface Hop {
  readonly method: HttpRequest['method'];
  readonly url: URL;
  /** What its permission names, for errors as well. */
  readonly host: string;
  readonly headers: readonly SentHeader[];
  readonly body: Buffer | null;
}

const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Where a response sends the request next, by the rules of fetch (WHATWG, HTTP-redirect fetch); null when nowhere.
 * Throws NET_RESPONSE_REFUSED for a place that no request may go to.
 */
export function nextHop(hop: Hop, status: number, locations: readonly string[]): Hop | null {
  const [location] = locations;
  if (!REDIRECTS.includes(status) || location === undefined) return null;
  if (locations.length > 1) throw refusedResponse(hop.host, 'it redirects to several places');
  const url = URL.parse(location, hop.url.href);
  if (url === null) throw refusedResponse(hop.host, 'it redirects to no address');
  url.hash = '';
  if (hop.url.protocol === 'https:' && url.protocol === 'http:') {
    throw refusedResponse(hop.host, 'it redirects from https to http');
  }
  const next = { ...hop, ...bodyAfter(hop, status), url, host: targetOf(hop, url) };
  return url.origin === hop.url.origin ? next : { ...next, headers: unbound(next.headers) };
}

function bodyAfter(hop: Hop, status: number): Pick<Hop, 'method' | 'headers' | 'body'> {
  const { method, headers, body } = hop;
  const isPost = method === 'POST' && (status === 301 || status === 302);
  const isOther = status === 303 && method !== 'GET' && method !== 'HEAD';
  if (!isPost && !isOther) return { method, headers, body };
  return { method: 'GET', headers: withoutBody(headers), body: null };
}

function targetOf(hop: Hop, url: URL): string {
  try {
    return hostOf(url.href);
  } catch (error) {
    if (!HubError.is(error, 'STEP_INPUT_INVALID')) throw error;
    throw refusedResponse(hop.host, 'it redirects to what no request may go to');
  }
}
