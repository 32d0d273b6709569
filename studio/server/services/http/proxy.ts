import { HubError } from '@runtime-hub/plugin-sdk/contract';

/** The admin's proxies, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY name them. */
export interface ProxySettings {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  /** Hosts reached without, separated by commas: `example.com` and all below it, `host:port`, or `*`. */
  readonly no?: string | undefined;
}

export interface Proxy {
  readonly url: URL;
  /** The value of Proxy-Authorization, or null. */
  readonly authorization: string | null;
}

/** The proxy an address is reached through; null when it is reached directly. */
export type ProxyRule = (url: URL) => Proxy | null;

/** Throws HUB_REQUEST_INVALID for a proxy that is no http or https address. */
export function createProxyRule(settings: ProxySettings): ProxyRule {
  const proxies = { 'http:': parse(settings.http), 'https:': parse(settings.https) };
  const direct = (settings.no ?? '')
    .toLowerCase()
    .split(/[\s,]+/u)
    .filter((it) => it !== '');
  return (url) => {
    const proxy = url.protocol === 'http:' ? proxies['http:'] : proxies['https:'];
    if (proxy === null || direct.some((it) => isDirect(url, it))) return null;
    return proxy;
  };
}

function parse(text: string | undefined): Proxy | null {
  if (text === undefined || text === '') return null;
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new HubError('HUB_REQUEST_INVALID', {
      field: 'proxy',
      // It may hold a password.
      value: 'not an address',
      cure: 'Give a proxy as http://host:port.',
    });
  }
  const [user, password] = [url.username, url.password].map(unescaped);
  const pair = Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64');
  return { url, authorization: url.username === '' ? null : `Basic ${pair}` };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isDirect(url: URL, entry: string): boolean {
  if (entry === '*') return true;
  const host = url.hostname.replace(/\.$/u, '');
  const port = url.port === '' ? (url.protocol === 'http:' ? '80' : '443') : url.port;
  const match = /^(.*?)(?::(\d+))?$/u.exec(entry);
  const name = (match?.[1] ?? '').replace(/^\*?\./u, '');
  if (match?.[2] !== undefined && match[2] !== port) return false;
  return host === name || host.endsWith(`.${name}`);
}
