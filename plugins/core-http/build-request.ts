import { unfit } from '@runtime-hub/plugin-sdk';
import type { HttpRequest } from '@runtime-hub/plugin-sdk/contract';
import { originOf, withQuery } from './address.ts';
import type { Auth, Common } from './settings.ts';

type Headers = NonNullable<HttpRequest['headers']>;

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/u;
/** RFC 9110 section 5.5 without line breaks and other controls: what would begin another header, or another request. */
const VALUE = /^[^\p{Cc}]*$/u;
/** Those that say how the message itself is carried. */
const CARRIED =
  /^(?:host|connection|keep-alive|transfer-encoding|content-length|te|trailer|upgrade|expect|proxy-.*)$/iu;

/** The request that settings stand for, without its body; `defaults` are headers that settings may replace. Throws STEP_INPUT_INVALID naming the field. */
export function buildRequest(
  method: HttpRequest['method'],
  settings: Common,
  defaults: Readonly<Record<string, string>> = {},
): HttpRequest {
  const { url, query = {}, headers = {}, auth, read = 'json', timeoutMs, maxBytes } = settings;
  if (originOf(url) === null || /[\s\p{Cc}]/u.test(url))
    throw unfit('/url', 'is no http or https address', 'Give it whole, encoded, without spaces.');
  const all: Headers = { ...defaults, ...checkedHeaders(headers), ...authHeader(auth) };
  const request: HttpRequest = {
    method,
    url: withQuery(url, query),
    headers: all,
    keep: read === 'blob' ? 'blob' : 'text',
    redirects: settings.redirects ?? 'follow',
  };
  if (request.url.length > 8192) throw unfit('/query', 'makes the address too long', 'Shorten it.');
  return {
    ...request,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  };
}

/** Names in lower case, so that none is there twice. */
function checkedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const at = '/headers';
    if (!NAME.test(name))
      throw unfit(at, 'has a name that is none', 'Use letters, digits and “-”.');
    if (CARRIED.test(name)) throw unfit(at, 'has a name the hub sets itself', 'Leave it out.');
    if (!VALUE.test(value)) throw unfit(at, 'has a control character in a value', 'Remove it.');
    if (checked.has(name.toLowerCase())) throw unfit(at, 'has a name twice', 'Leave one out.');
    checked.set(name.toLowerCase(), value);
  }
  return Object.fromEntries(checked);
}

function authHeader(auth: Auth | undefined): Headers {
  if (auth === undefined) return {};
  const $secret = auth.secret;
  switch (auth.type) {
    case 'bearer':
      return { authorization: { $secret, prefix: 'Bearer ' } };
    case 'basic':
      return { authorization: { $secret, prefix: 'Basic ', form: 'basic' } };
    case 'header': {
      const { name, prefix = '' } = auth;
      checkedHeaders({ [name]: prefix });
      return { [name.toLowerCase()]: prefix === '' ? { $secret } : { $secret, prefix } };
    }
  }
}
