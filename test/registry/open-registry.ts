import { generateKeyPairSync } from 'node:crypto';
import {
  endorse,
  packArtifact,
  signArtifact,
  spkiOf,
  type KeyChange,
  type PublisherKey,
} from '@runtime-hub/plugin-sdk/artifact';
import type { PublishReceipt } from '@runtime-hub/plugin-sdk/contract';
import {
  createRegistry,
  serveRegistry,
  type Registry,
  type RegistryOptions,
} from '../../registry/index.ts';
import { temporaryFolder } from '../support/hub.ts';

export const ORIGIN = 'reg.test.internal';

/** A clock that only tests move. */
export interface SetClock {
  now(): number;
  advance(milliseconds: number): void;
}

export function setClock(at = 1_800_000_000_000): SetClock {
  let now = at;
  return { now: () => now, advance: (milliseconds) => void (now += milliseconds) };
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Null when it is no JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly json: any;
}

/** Asks over HTTP as whoever holds `token`. */
export type Ask = (method: string, path: string, options?: AskOptions) => Promise<Reply>;
export interface AskOptions {
  readonly token?: string | undefined;
  readonly json?: unknown;
  readonly body?: FormData | Uint8Array<ArrayBuffer> | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface OpenRegistry extends AsyncDisposable {
  readonly registry: Registry;
  readonly url: string;
  readonly folder: string;
  readonly clock: SetClock;
  readonly ask: Ask;
  /** As the registry's admin. */
  readonly admin: Ask;
}

/** A registry in a folder of its own, behind a real port of loopback. */
export async function openRegistry(options: Partial<RegistryOptions> = {}): Promise<OpenRegistry> {
  const folder = temporaryFolder('registry');
  const clock = setClock();
  const registry = await createRegistry({ folder: folder.path, origin: ORIGIN, clock, ...options });
  const door = await serveRegistry(registry, { port: 0 });
  const ask = askAt(door.url);
  const token = registry.adminToken ?? undefined;
  return {
    registry,
    url: door.url,
    folder: folder.path,
    clock,
    ask,
    admin: async (method, path, more) => await ask(method, path, { token, ...more }),
    [Symbol.asyncDispose]: async () => {
      await door[Symbol.asyncDispose]();
      registry.close();
      folder[Symbol.dispose]();
    },
  };
}

export const askAt =
  (url: string): Ask =>
  async (method, path, { token, json, body, headers = {} } = {}) => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
  };

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function newKey(hint: string, type: 'ed25519' | 'p256' = 'ed25519'): PublisherKey {
  const { privateKey } =
    type === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { hint, privateKey };
}

export interface Publisher {
  readonly namespace: string;
  readonly key: PublisherKey;
  readonly token: string;
}

/** A namespace with a key of its owner and a token that publishes to it. */
export async function makePublisher(
  { admin, ask }: Pick<OpenRegistry, 'admin' | 'ask'>,
  namespace: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Publisher> {
  const made = await admin('POST', '/v1/admin/namespaces', {
    json: { name: namespace, visibility: 'public', ...more },
  });
  if (made.status !== 201) throw new Error(made.text);
  const { token } = (
    await admin('POST', '/v1/admin/tokens', { json: { scope: 'publish', namespace, note: 'test' } })
  ).json;
  const key = newKey(`${namespace}-2026`);
  const added = await ask('POST', `/v1/namespaces/${namespace}/keys`, {
    token,
    json: keyRequest(made.json.loggedAs, key, [key]),
  });
  if (added.status !== 201) throw new Error(added.text);
  return { namespace, key, token };
}

/** A change of keys as it is posted, signed by `signers`. */
export function keyRequest(
  loggedAs: string,
  key: PublisherKey,
  signers: readonly PublisherKey[],
  more: Partial<KeyChange> & { readonly reason?: string } = {},
): Record<string, unknown> {
  const { reason = 'test', ...rest } = more;
  const change: KeyChange = {
    namespace: loggedAs,
    change: 'added',
    hint: key.hint,
    spki: spkiOf(key),
    role: 'signer',
    notAfter: null,
    revokedFrom: null,
    ...rest,
  };
  const { namespace: _namespace, ...sent } = change;
  return { ...sent, reason, endorsements: signers.map((it) => endorse(ORIGIN, change, it)) };
}

export const README = `# A plugin for tests\n\n${'It says what it does, and does it without asking for anything. '.repeat(3)}\n`;

export const manifestOf = (
  id: string,
  version: string,
  more: Readonly<Record<string, unknown>> = {},
) => ({
  manifestVersion: 1,
  id,
  version,
  title: id,
  description: 'Does something',
  license: 'MIT',
  engine: '^1.0.0',
  runtime: 'isolate',
  entry: 'plugin.js',
  permissions: [],
  provides: [],
  nodes: [],
  ...more,
});

/** An artifact that no rule speaks against; `files` replace or add. */
export function artifactOf(
  id: string,
  version: string,
  more: Readonly<Record<string, unknown>> = {},
  files: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const all = {
    'manifest.json': JSON.stringify(manifestOf(id, version, more)),
    'plugin.js': 'export default {};\n',
    'README.md': README,
    ...files,
  };
  return new Uint8Array(
    packArtifact(new Map(Object.entries(all).map(([file, text]) => [file, Buffer.from(text)]))),
  );
}

export function formOf(artifact: Uint8Array<ArrayBuffer>, bundle: string): FormData {
  const form = new FormData();
  form.set('artifact', new Blob([artifact]), 'artifact.tgz');
  form.set('bundle', new Blob([bundle]), 'bundle.json');
  return form;
}

/** Signs an artifact and posts it. */
export async function post(
  ask: Ask,
  { key, token }: Pick<Publisher, 'key' | 'token'>,
  artifact: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  return await ask('POST', '/v1/publish', {
    token,
    headers,
    body: formOf(artifact, await signArtifact(artifact, key)),
  });
}

/** Publishes an honest version; its receipt. */
export async function publishOne(
  { ask }: Pick<OpenRegistry, 'ask'>,
  publisher: Publisher,
  name: string,
  version = '1.0.0',
  more: Readonly<Record<string, unknown>> = {},
): Promise<PublishReceipt> {
  const reply = await post(
    ask,
    publisher,
    artifactOf(`${publisher.namespace}/${name}`, version, more),
  );
  if (reply.status !== 201 && reply.status !== 202) throw new Error(reply.text);
  return reply.json;
}
