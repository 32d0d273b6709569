import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HubError } from '../../contract/index.ts';
import { usage } from '../output.ts';
import { keysFolder, readPrivate, writePrivate } from './key-store.ts';

const DEFAULT_REGISTRY = 'http://127.0.0.1:3100';

/** Tokens for one registry. */
export interface Login {
  /** Of an admin of the registry. */
  readonly admin?: string;
  /** To publish, by namespace. */
  readonly namespaces: Readonly<Record<string, string>>;
}

interface Logins {
  readonly version: 1;
  /** The registry that is meant when none is named. */
  readonly latest: string;
  readonly registries: Readonly<Record<string, Login>>;
}

/** Address of the registry that is meant: the named one, $HUB_REGISTRY, the latest that was signed in to, the local one. */
export function registryUrl(named: string | undefined): string {
  const text = named ?? process.env['HUB_REGISTRY'] ?? readLogins().latest;
  const url = URL.parse(text);
  const isPlain = url?.protocol === 'http:';
  const isLoopback =
    url !== null && /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/u.test(url.hostname);
  const isUsable = url?.protocol === 'https:' || (isPlain && isLoopback);
  if (isUsable && url.username === '' && url.password === '' && url.search === '')
    return url.href.replace(/\/+$/u, '');
  throw usage(
    'registry',
    text,
    'Give an https address; http only for this machine, e.g. http://127.0.0.1:3100.',
  );
}

/** The token to publish to a namespace with: $HUB_TOKEN, else the one kept. Throws TOKEN_MISSING. */
export function publishToken(url: string, namespace: string): string {
  const token = process.env['HUB_TOKEN'] ?? loginOf(url).namespaces[namespace];
  if (token === undefined) throw new HubError('TOKEN_MISSING', {});
  return token;
}

/** The token of an admin: $HUB_TOKEN, else the one kept. Throws TOKEN_MISSING. */
export function adminToken(url: string): string {
  const token = process.env['HUB_TOKEN'] ?? loginOf(url).admin;
  if (token === undefined) throw new HubError('TOKEN_MISSING', {});
  return token;
}

/** Keeps tokens for a registry, besides those it has, and makes it the one that is meant from now on. */
export function keepLogin(
  url: string,
  more: { readonly admin?: string; readonly namespaces?: Login['namespaces'] },
): void {
  const logins = readLogins();
  const old = loginOf(url);
  const admin = more.admin ?? old.admin;
  const login: Login = {
    ...(admin === undefined ? {} : { admin }),
    namespaces: { ...old.namespaces, ...more.namespaces },
  };
  const kept: Logins = {
    ...logins,
    latest: url,
    registries: { ...logins.registries, [url]: login },
  };
  writePrivate(loginsFile(), `${JSON.stringify(kept, null, 2)}\n`);
}

/** Forgets every token for a registry. */
export function dropLogin(url: string): void {
  const { registries, ...logins } = readLogins();
  const rest = Object.fromEntries(Object.entries(registries).filter(([at]) => at !== url));
  writePrivate(loginsFile(), `${JSON.stringify({ ...logins, registries: rest }, null, 2)}\n`);
}

const loginsFile = (): string => join(keysFolder(), 'logins');

function loginOf(url: string): Login {
  const { registries } = readLogins();
  const login = Object.hasOwn(registries, url) ? registries[url] : undefined;
  return login ?? { namespaces: {} };
}

function readLogins(): Logins {
  const file = loginsFile();
  if (!existsSync(file)) return { version: 1, latest: DEFAULT_REGISTRY, registries: {} };
  const text = readPrivate(file);
  try {
    // SAFETY: written by keepLogin; an edited one fails at its first use.
    return JSON.parse(text) as Logins;
  } catch {
    // The cause would quote the file, which holds tokens.
    throw usage('logins', file, 'The file is damaged; remove it and sign in again.');
  }
}
