import { hash, randomBytes, randomUUID } from 'node:crypto';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Clock } from '../clock.ts';
import type { Store, TokenRow, TokenScope } from '../store/index.ts';

/** What a new token may do, and for how long. */
export interface TokenWish {
  readonly scope: TokenScope;
  readonly namespace: string | null;
  readonly plugin: string | null;
  readonly note: string;
  readonly expiresAt: number | null;
}

/** Makes a token; its text is given this once, and only its SHA-256 is kept. */
export function makeToken(
  store: Store,
  clock: Clock,
  wish: TokenWish,
): { readonly id: string; readonly token: string } {
  const token = `hubr_${randomBytes(32).toString('base64url')}`;
  const id = randomUUID().slice(0, 8);
  store.tokens.add({ ...wish, id, createdAt: clock.now(), endedAt: null }, hash('sha256', token));
  return { id, token };
}

/** The row of a token that holds now. Throws TOKEN_INVALID. */
export function readToken(store: Store, clock: Clock, token: string): TokenRow {
  // The hash is looked up, so how long that takes tells nothing of the token.
  const row = store.tokens.byHash(hash('sha256', token));
  if (row === null || row.endedAt !== null) throw new HubError('TOKEN_INVALID', {});
  if (row.expiresAt !== null && row.expiresAt <= clock.now())
    throw new HubError('TOKEN_INVALID', {});
  return row;
}
