import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Clock } from '../clock.ts';
import type { Store, WorkloadRow } from '../store/index.ts';
import { makeToken } from './tokens.ts';

export interface ExchangeParts {
  readonly store: Store;
  readonly clock: Clock;
  /** What tokens must be meant for: the registry's origin. */
  readonly audience: string;
}

/** Trades a build job's OIDC token for one that publishes one plugin, for a quarter of an hour. */
export type Exchange = (wish: { readonly token: string; readonly plugin: string }) => Promise<{
  readonly token: string;
  readonly expiresAt: number;
}>;

const LIFE_MS = 15 * 60_000;
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
/** Fails fast when an issuer does not answer. */
const KEYS_TIMEOUT_MS = 900;

interface IssuerKeys {
  readonly jwks?: Parameters<typeof createLocalJWKSet>[0];
  readonly url?: string;
}

export function createExchange({ store, clock, audience }: ExchangeParts): Exchange {
  const remote = new Map<string, JWTVerifyGetKey>();
  const keysOf = (text: string): JWTVerifyGetKey => {
    // SAFETY: the admin's routes checked it before it was stored.
    const { jwks, url } = JSON.parse(text) as IssuerKeys;
    if (jwks !== undefined) return createLocalJWKSet(jwks);
    const known = remote.get(text);
    if (known !== undefined) return known;
    const made = createRemoteJWKSet(new URL(url ?? ''), { timeoutDuration: KEYS_TIMEOUT_MS });
    remote.set(text, made);
    return made;
  };
  return async ({ token, plugin }) => {
    const issuer = store.workloads.issuer(issuerOf(token));
    if (issuer === null) throw refused('its issuer is not known here');
    const payload = await verified(token, keysOf(issuer.keys), {
      issuer: issuer.issuer,
      audience,
      now: clock.now(),
    });
    const [namespace = ''] = plugin.split('/');
    const mayPublish = store.workloads
      .of(namespace, issuer.issuer)
      .some((it) => (it.plugin === null || it.plugin === plugin) && matches(it, payload));
    if (!mayPublish) throw refused('no such build job may publish this plugin');
    const expiresAt = clock.now() + LIFE_MS;
    return store.transaction(() => {
      const { jti = '', exp = 0 } = payload;
      if (!store.workloads.use(issuer.issuer, jti, exp * 1000)) throw refused('it was used before');
      const note = `build job of ${issuer.issuer}`.slice(0, 200);
      const made = makeToken(store, clock, {
        scope: 'publish',
        namespace,
        plugin,
        note,
        expiresAt,
      });
      return { token: made.token, expiresAt };
    });
  };
}

function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    throw refused('it is no JWT');
  }
}

async function verified(
  token: string,
  keys: JWTVerifyGetKey,
  expected: { readonly issuer: string; readonly audience: string; readonly now: number },
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer: expected.issuer,
      audience: expected.audience,
      currentDate: new Date(expected.now),
      clockTolerance: 30,
      maxTokenAge: 3600,
      requiredClaims: ['exp', 'iat', 'jti', 'sub'],
    });
    return payload;
  } catch (error) {
    // Never its message: it may quote the token.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'ERR_JWT';
    throw refused(code === 'ERR_JWT_EXPIRED' ? 'it has expired' : `it does not hold (${code})`);
  }
}

function matches({ claims }: WorkloadRow, payload: JWTPayload): boolean {
  // SAFETY: the admin's routes checked it before it was stored.
  const wanted = Object.entries(JSON.parse(claims) as Record<string, string>);
  return (
    wanted.length > 0 &&
    wanted.every(([claim, value]) => Object.hasOwn(payload, claim) && payload[claim] === value)
  );
}

const refused = (reason: string): HubError => new HubError('TOKEN_EXCHANGE_REFUSED', { reason });
