import { bodyOf, cosigned, signedFile, ROLES, type Role, type RoleName } from './metadata.ts';
import { tufKeyId, type TufKey, type TufSigner } from './keys.ts';

/** Whom clients believe: the keys of each role, and how many of them must sign. */
export interface RootContents {
  /** From 1; each later root is the one before plus 1. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly roles: { readonly [R in RoleName]: Role };
}

/** A root file that nobody has signed yet; it is taken to where the root keys are kept. */
export function draftRoot({ version, expiresAt, roles }: RootContents): string {
  const entries = ROLES.map((name) => [name, roles[name]] as const);
  const keys = new Map<string, TufKey>(
    entries.flatMap(([, role]) => role.keys.map((key) => [tufKeyId(key), key] as const)),
  );
  const named = entries.map(([name, { keys: own, threshold }]) => {
    const keyids = [...new Set(own.map(tufKeyId))];
    if (threshold < 1 || keyids.length < threshold)
      throw new Error(`${name} has fewer keys than must sign`);
    return [name, { keyids, threshold }] as const;
  });
  const body = {
    ...bodyOf('root', version, expiresAt),
    keys: Object.fromEntries(keys),
    roles: Object.fromEntries(named),
    consistent_snapshot: true,
  };
  return signedFile('root', body, []).toString();
}

/** The root file with one more signature: each holder of a root key adds theirs, on a machine of their own. */
export function signRoot(text: string, signer: TufSigner): string {
  return cosigned('root', text, [signer]).toString();
}
