import * as Type from 'typebox';
import type { Static } from 'typebox';
import { endorse, type KeyChange } from '../artifact/index.ts';
import { KeyringEntry } from '../contract/index.ts';
import { listKeys, ownKey, type OwnKey } from './keys/key-store.ts';
import { checked, type RegistryApi } from './registry-api.ts';

/** A namespace as its registry tells it; more fields may be there. */
const Namespace = Type.Object({
  name: Type.String(),
  visibility: Type.String(),
  /** How the log names it: a salted hash when it is private. */
  loggedAs: Type.String(),
  keys: Type.Array(KeyringEntry),
});
export type Namespace = Static<typeof Namespace>;
const Made = Type.Object({ token: Type.String({ pattern: '^[\\w-]{20,512}$' }) });

/** Most endorsements that a change of keys may have. */
const MOST_ENDORSEMENTS = 4;

export async function namespaceAt(
  registry: RegistryApi,
  namespace: string,
  token: string | null,
): Promise<Namespace> {
  return checked(
    registry.url,
    Namespace,
    await registry.send('GET', `/v1/namespaces/${encodeURIComponent(namespace)}`, token),
  );
}

/** Makes a namespace and gives a token to publish to it, as an admin. */
export async function makeNamespace(
  registry: RegistryApi,
  { name, isPrivate }: { readonly name: string; readonly isPrivate: boolean },
  admin: string,
): Promise<string> {
  const visibility = isPrivate ? 'private' : 'public';
  await registry.send('POST', '/v1/admin/namespaces', admin, { name, visibility });
  const wish = { scope: 'publish', namespace: name, note: 'made by hub-plugin' };
  return checked(registry.url, Made, await registry.send('POST', '/v1/admin/tokens', admin, wish))
    .token;
}

/** Registers a key of this author. It endorses itself, and every current key of the namespace that is here does too. */
export async function addKey(
  registry: RegistryApi,
  namespace: string,
  key: OwnKey,
  token: string,
): Promise<void> {
  const [{ origin }, known] = await Promise.all([
    registry.discover(),
    namespaceAt(registry, namespace, token),
  ]);
  const { hint, spki, role } = key.part;
  const change: KeyChange = {
    namespace: known.loggedAs,
    change: 'added',
    hint,
    spki,
    role,
    notAfter: null,
    revokedFrom: null,
  };
  const endorsements = [key, ...currentKeys(known)]
    .slice(0, MOST_ENDORSEMENTS)
    .map((it) => endorse(origin, change, it));
  await post(registry, namespace, token, {
    ...change,
    endorsements,
    reason: 'added by its author',
  });
}

/** Revokes a key from the next leaf of the log on. */
export async function revokeKey(
  registry: RegistryApi,
  namespace: string,
  { key, reason }: { readonly key: KeyringEntry; readonly reason: string },
  token: string,
): Promise<void> {
  const { hint, spki, role } = key;
  const change = {
    change: 'revoked',
    hint,
    spki,
    role,
    notAfter: null,
    revokedFrom: null,
  } as const;
  await post(registry, namespace, token, { ...change, namespace, endorsements: [], reason });
}

type KeyRequest = KeyChange & {
  readonly endorsements: readonly { readonly hint: string; readonly signature: string }[];
  readonly reason: string;
};

async function post(
  registry: RegistryApi,
  namespace: string,
  token: string,
  { namespace: _inPath, ...request }: KeyRequest,
): Promise<void> {
  await registry.send(
    'POST',
    `/v1/namespaces/${encodeURIComponent(namespace)}/keys`,
    token,
    request,
  );
}

/** Keys the namespace has now and this author holds; recovery keys first, since one of them must sign. */
function currentKeys({ keys }: Namespace): readonly OwnKey[] {
  const own = new Map(listKeys().map((it) => [it.spki, it.hint]));
  return keys
    .filter((it) => it.revokedAtLogIndex === null)
    .toSorted((one) => (one.role === 'recovery' ? -1 : 1))
    .flatMap(({ spki }) => {
      const hint = own.get(spki);
      return hint === undefined ? [] : [ownKey(hint)];
    });
}
