import { unfit, type HubError, type HttpRequest } from '@runtime-hub/plugin-sdk/contract';
import type { SecretSource } from '../secrets/secret-store.ts';
import { revealed } from '../secrets/secret-use.ts';

/** One header as it is sent; `isBound`: a credential, which goes to the origin it was given for and nowhere else. */
export interface SentHeader {
  readonly name: string;
  readonly value: string;
  readonly isBound: boolean;
}

/** The connection's own (RFC 9110 section 7.6.1), or the hub's: a plugin that set them could speak for another host or split the request. */
const OWN =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|http2-settings|proxy-.*)$/u;
const MAX_HEADERS = 64;
const CREDENTIALS = /^(?:authorization|cookie)$/u;
/** Field values of RFC 9110 section 5.5: no control characters but the tab. */
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/u;
const ABOUT_BODY = /^content-/u;

/** The headers of a request with its secrets put in. Throws STEP_INPUT_INVALID for what must not be sent, before any secret is looked up. */
export function headersOf(
  { headers = {} }: Pick<HttpRequest, 'headers'>,
  secrets: SecretSource,
): readonly SentHeader[] {
  const entries = Object.entries(headers).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  if (entries.length > MAX_HEADERS) throw refused('', 'too many', 'Send at most 64.');
  for (const [index, [name]] of entries.entries()) {
    if (OWN.test(name)) throw refused(name, 'is the hub’s to set', 'Leave it out.');
    const isTwice = entries.slice(0, index).some(([earlier]) => earlier === name);
    if (isTwice) throw refused(name, 'is there twice', 'Give each header once, in any case.');
  }
  return entries.map(([name, given]) => {
    const isSecret = typeof given !== 'string';
    const value = isSecret ? revealed(given, secrets) : given;
    if (!VALUE.test(value)) {
      throw refused(name, 'holds what no header can carry', 'Use one line of Latin-1 text.');
    }
    return { name, value, isBound: isSecret || CREDENTIALS.test(name) };
  });
}

/** Adds a header unless there is one of that name. */
export const withDefault = (
  headers: readonly SentHeader[],
  name: string,
  value: string,
): readonly SentHeader[] =>
  headers.some((it) => it.name === name) ? headers : [...headers, { name, value, isBound: false }];

/** What may go on to another origin. */
export const unbound = (headers: readonly SentHeader[]): readonly SentHeader[] =>
  headers.filter((it) => !it.isBound);

/** What is left to say when there is no body any more. */
export const withoutBody = (headers: readonly SentHeader[]): readonly SentHeader[] =>
  headers.filter(({ name }) => !ABOUT_BODY.test(name));

const refused = (name: string, message: string, cure: string): HubError =>
  unfit(`/headers/${name}`, message, cure);
