import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Clock } from '../clock.ts';
import { notFound, type RateLimit } from '../http/index.ts';
import type { NamespaceRow, Store, TokenRow, TokenScope } from '../store/index.ts';
import { readToken } from './tokens.ts';

/** Who asks. `token` null: anybody. */
export interface Caller {
  readonly token: TokenRow | null;
  /** How log and audit name them; never a secret. */
  readonly actor: string;
}

/** Decides who may do what. */
export interface Access {
  /** Throws TOKEN_INVALID, or REGISTRY_RATE_EXCEEDED for an address that guesses tokens. */
  callerOf(request: Request, address: string): Caller;
  /** The same for a token by itself; null is anybody's. */
  holderOf(token: string | null, address: string): Caller;
  /** The namespace, when the caller may read it; otherwise as if it were not there. Throws REGISTRY_NOT_FOUND. */
  requireRead(caller: Caller, namespace: string, what: string): NamespaceRow;
  /** Private namespaces the caller may read. */
  readable(caller: Caller): readonly string[];
}

const BEARER = /^Bearer ([\w-]{1,200})$/iu;
const ANYBODY: Caller = { token: null, actor: 'anybody' };

export function createAccess(store: Store, clock: Clock, guesses: RateLimit): Access {
  const holderOf = (text: string | null, address: string): Caller => {
    if (text === null) return ANYBODY;
    try {
      const token = readToken(store, clock, text);
      return { token, actor: `${token.scope}/${token.id}` };
    } catch (error) {
      guesses.take(address);
      throw error;
    }
  };
  return {
    holderOf,
    callerOf: (request, address) => {
      const header = request.headers.get('authorization');
      // What is no token is looked up like one that is wrong.
      return holderOf(header === null ? null : (BEARER.exec(header)?.[1] ?? ''), address);
    },
    requireRead: (caller, namespace, what) => {
      const row = store.namespaces.get(namespace);
      if (row !== null && (row.visibility === 'public' || mayRead(caller, namespace))) return row;
      throw notFound(what);
    },
    readable: (caller) => readableBy(caller, store),
  };
}

function mayRead({ token }: Caller, namespace: string): boolean {
  if (token === null) return false;
  return token.namespace === null ? token.scope !== 'publish' : token.namespace === namespace;
}

function readableBy(caller: Caller, store: Store): readonly string[] {
  const { token } = caller;
  if (token === null) return [];
  if (token.namespace !== null) return [token.namespace];
  return store.namespaces.all().map((it) => it.name);
}

/** Throws TOKEN_MISSING or TOKEN_SCOPE_TOO_NARROW unless the caller is an admin of the whole registry. */
export function requireAdmin(caller: Caller): void {
  const token = requireToken(caller);
  if (token.scope !== 'admin' || token.namespace !== null) throw tooNarrow('admin of the registry');
}

/** Throws unless the caller may decide what leaves quarantine. Authors may not let their own versions go. */
export function requireReviewer(caller: Caller): void {
  requireScope(caller, ['review', 'admin']);
  if (caller.token?.namespace !== null) throw tooNarrow('review of the registry');
}

/** Throws unless the caller may publish `plugin`, or change its versions' states. */
export function requirePublisher(caller: Caller, plugin: string): void {
  const token = requireScope(caller, ['publish']);
  const [namespace] = plugin.split('/');
  if (token.namespace !== namespace || (token.plugin !== null && token.plugin !== plugin))
    throw tooNarrow(`publish for ${plugin}`);
}

/** The namespace the caller's token may publish to. */
export function publisherNamespace(caller: Caller): string {
  const { namespace } = requireScope(caller, ['publish']);
  if (namespace === null) throw tooNarrow('publish for a namespace');
  return namespace;
}

/** Throws unless the caller is an admin of the whole registry or may publish `plugin`. */
export function requireKeeper(caller: Caller, plugin: string): void {
  if (requireToken(caller).scope === 'admin') requireAdmin(caller);
  else requirePublisher(caller, plugin);
}

/** Throws unless the caller may change a namespace's keys: an admin, or a token for all of it. A recovery is an admin's. */
export function requireNamespaceKeeper(
  caller: Caller,
  namespace: string,
  isRecovery: boolean,
): void {
  const token = requireToken(caller);
  if (isRecovery || token.scope === 'admin') return requireAdmin(caller);
  if (token.scope !== 'publish' || token.namespace !== namespace || token.plugin !== null)
    throw tooNarrow(`publish for all of ${namespace}`);
}

function requireScope(caller: Caller, scopes: readonly TokenScope[]): TokenRow {
  const token = requireToken(caller);
  if (!scopes.includes(token.scope)) throw tooNarrow(scopes.join(' or '));
  return token;
}

function requireToken({ token }: Caller): TokenRow {
  if (token === null) throw new HubError('TOKEN_MISSING', {});
  return token;
}

const tooNarrow = (needs: string): HubError => new HubError('TOKEN_SCOPE_TOO_NARROW', { needs });
