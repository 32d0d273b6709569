import type { Caller, Clock, Service, ServiceUse } from '@runtime-hub/kernel';
import {
  HubError,
  hostOf,
  unfit,
  type BlobHandle,
  type HttpRequest,
  type HttpResponse,
} from '@runtime-hub/plugin-sdk/contract';
import { HUB_VERSION } from '../../version.ts';
import type { SecretSource } from '../secrets/secret-store.ts';
import { createAddressRule } from './addresses.ts';
import { Allowance, type Share } from './allowance.ts';
import { ACCEPTED_CODINGS } from './body.ts';
import { connectDirectly, type Connect } from './connection.ts';
import { exchange, type Exchange } from './exchange.ts';
import { orFailure, refusedResponse } from './failures.ts';
import { Lookups, type Resolve } from './lookups.ts';
import { createProxyRule, type ProxySettings } from './proxy.ts';
import { nextHop, type Hop } from './redirects.ts';
import { headersOf, withDefault, type SentHeader } from './request-headers.ts';
import { responseOf } from './response.ts';
import { openRoute, resolveBySystem, type RoutePorts } from './route.ts';
import { abortError, orAborted } from './signals.ts';

export interface HttpPorts {
  readonly clock: Clock;
  readonly secrets: SecretSource;
  /** Keeps a body for a plugin, which may then read it. */
  keepBlob(bytes: Buffer, mime: string, caller: Caller): Promise<BlobHandle>;
  /** Bytes the caller may read. Rejects with BLOB_NOT_FOUND. */
  readBlob(handle: BlobHandle, caller: Caller): Promise<Uint8Array>;
  /** Networks (CIDR) plugins may reach besides the public internet; none by default. */
  readonly networks?: readonly string[];
  readonly proxy?: ProxySettings;
  readonly authorities?: readonly string[];
  readonly resolve?: Resolve;
  readonly connect?: Connect;
}

interface Parts extends Pick<HttpPorts, 'clock' | 'secrets' | 'keepBlob' | 'readBlob'> {
  readonly route: Omit<RoutePorts, 'resolve'>;
  readonly lookups: Lookups;
  readonly allowance: Allowance;
}

/** One request on its way. */
interface Work {
  readonly request: HttpRequest;
  readonly use: ServiceUse;
  readonly share: Share;
  readonly signal: AbortSignal;
  readonly startedAt: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;
const LIMITS = { maxRunning: 16, maxBytes: 134_217_728 };

/**
 * The capability `net.http`. What a plugin reaches is decided by addresses after parsing and resolving, never by the
 * text it gave. Throws HUB_REQUEST_INVALID for a network or proxy of the wrong form.
 */
export function createHttpService(ports: HttpPorts): Service {
  const parts: Parts = {
    ...ports,
    allowance: new Allowance(LIMITS),
    lookups: new Lookups(ports.resolve ?? resolveBySystem),
    route: {
      addressRule: createAddressRule(ports.networks ?? []),
      proxyRule: createProxyRule(ports.proxy ?? {}),
      connect: ports.connect ?? connectDirectly,
      authorities: ports.authorities ?? [],
    },
  };
  return {
    capability: 'net.http',
    async call(operation, args, use) {
      const need = `net.http.${operation}`;
      const { plugin } = use.caller;
      if (operation !== 'request') throw new HubError('CAPABILITY_DENIED', { plugin, need });
      // SAFETY: the broker checked the arguments against the contract.
      return await perform(parts, args as HttpRequest, use);
    },
  };
}

/** Rejects with STEP_TIMED_OUT, the reason of `use.signal`, NET_…, CAPABILITY_…, SECRET_NOT_FOUND or STEP_INPUT_INVALID. */
async function perform(parts: Parts, request: HttpRequest, use: ServiceUse): Promise<HttpResponse> {
  const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const late = new AbortController();
  const end = (): void => late.abort(new HubError('STEP_TIMED_OUT', { timeoutMs }));
  using _deadline = parts.clock.after(timeoutMs, end);
  const signal = AbortSignal.any([use.signal, late.signal]);
  const startedAt = parts.clock.now();
  const host = hostOf(request.url);
  try {
    using share = await parts.allowance.enter(use.caller.plugin, host, signal);
    const work = { request, use, share, signal, startedAt };
    return await follow(parts, work, await firstHop(parts, work, host));
  } catch (error) {
    throw signal.aborted ? abortError(signal) : error;
  }
}

async function firstHop(parts: Parts, work: Work, host: string): Promise<Hop> {
  const { method, url, body } = work.request;
  const headers = headersOf(work.request, parts.secrets);
  const to = { method, url: new URL(url), host };
  to.url.hash = '';
  if (body === undefined) return { ...to, headers, body: null };
  if (method === 'GET' || method === 'HEAD') {
    throw unfit('/body', 'goes with no GET or HEAD', 'Use POST or PUT.');
  }
  if (typeof body === 'string') {
    const typed = withDefault(headers, 'content-type', 'text/plain;charset=UTF-8');
    return { ...to, headers: typed, body: Buffer.from(body) };
  }
  const bytes = Buffer.from(await orAborted(parts.readBlob(body, work.use.caller), work.signal));
  work.share.take(bytes.length);
  const mime = /^[\w.+-]+\/[\w.+-]+$/u.test(body.mime) ? body.mime : 'application/octet-stream';
  return { ...to, headers: withDefault(headers, 'content-type', mime), body: bytes };
}

/** Each hop is checked as if it were asked for. */
async function follow(parts: Parts, work: Work, first: Hop): Promise<HttpResponse> {
  const { request, use } = work;
  let hop = first;
  for (let redirects = 0; ; redirects += 1) {
    using received = await orFailure(send(parts, work, hop), hop.host);
    const next = request.redirects === 'stop' ? null : nextOf(parts, hop, received);
    if (next === null) return await responseOf(parts, { ...work, hop, received });
    if (redirects === MAX_REDIRECTS) {
      throw refusedResponse(hop.host, `it redirects more than ${String(MAX_REDIRECTS)} times`);
    }
    use.permit({ capability: 'net.http', target: next.host });
    hop = next;
  }
}

async function send(parts: Parts, { use, signal }: Work, hop: Hop): Promise<Exchange> {
  const resolve: RoutePorts['resolve'] = async (hostname, until) =>
    await parts.lookups.resolve(hostname, use.caller.plugin, until);
  const { socket, path, headers } = await openRoute({ ...parts.route, resolve }, hop, signal);
  const sent = defaults(hop.headers).map(({ name, value }) => [name, value] as const);
  const named = ['host', hop.host.replace(/^http:\/\//u, '')] as const;
  const outgoing = {
    method: hop.method,
    path,
    headers: [named, ...headers, ...sent],
    body: hop.body,
  };
  return await exchange(socket, outgoing, signal);
}

const defaults = (headers: readonly SentHeader[]): readonly SentHeader[] =>
  [
    ['accept', '*/*'],
    ['accept-encoding', ACCEPTED_CODINGS],
    ['user-agent', `runtime-hub/${HUB_VERSION}`],
  ].reduce((all, [name = '', value = '']) => withDefault(all, name, value), headers);

/** The next hop; refuses one that would carry a secret to another origin, or into the text of a need. */
function nextOf({ secrets }: Parts, hop: Hop, { status, headers }: Exchange): Hop | null {
  const locations = headers
    .filter(([name]) => name.toLowerCase() === 'location')
    // Header bytes come as Latin-1; addresses are UTF-8.
    .map(([, value]) => Buffer.from(value, 'latin1').toString('utf8'));
  const next = nextHop(hop, status, locations);
  if (next === null || next.url.origin === hop.url.origin) return next;
  const texts = [...locations, next.url.href];
  if (texts.every((text) => secrets.redactor.redact(text) === text)) return next;
  throw refusedResponse(hop.host, 'it redirects to another host with a secret in the address');
}
