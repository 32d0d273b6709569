import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { HubError } from '../../contract/index.ts';
import { listKeys, makeKey, ownKey, writePrivate } from '../keys/key-store.ts';
import { adminToken, keepLogin, publishToken, registryUrl } from '../keys/logins.ts';
import { addKey, makeNamespace, namespaceAt, revokeKey } from '../namespace-api.ts';
import { COMMON_OPTIONS, plain, print, table, usage, type Command } from '../output.ts';
import { openRegistry, type RegistryApi } from '../registry-api.ts';

const HELP = `hub-plugin namespaces show <namespace>
hub-plugin namespaces claim <namespace> [--private]
hub-plugin namespaces grant <namespace> --token-out <file> [--private]
hub-plugin namespaces add-key <namespace> --key <key>
hub-plugin namespaces revoke-key <namespace> --key <key> --reason <text>

claim       on a registry of your own, as its admin: makes the namespace, registers your key (a new one, if you have none)
            and keeps a token to publish with.
grant       what the admin of a registry does for somebody else: makes the namespace and a token to publish with, which
            is written to --token-out. Its author then runs hub-plugin login --namespace, and add-key.
add-key     registers a key of yours. For all but the first your current keys sign, the recovery key too where there is one.
revoke-key  what the key signs from now on counts no more; releases that were logged before stay.
All take --registry <url>.`;

type Values = ReturnType<typeof readArgs>['values'];
interface Job {
  readonly registry: RegistryApi;
  readonly namespace: string;
  readonly values: Values;
}

const ACTIONS: ReadonlyMap<string, (job: Job) => Promise<void>> = new Map([
  ['show', show],
  ['claim', claim],
  ['grant', grant],
  ['add-key', add],
  ['revoke-key', revoke],
]);

export const namespacesCommand: Command = {
  name: 'namespaces',
  summary: 'claim a namespace, and change its keys',
  help: HELP,
  async run(args) {
    const { values, positionals } = readArgs(args);
    const [action, namespace] = positionals;
    const act = ACTIONS.get(action ?? '');
    if (act === undefined)
      throw usage('namespaces', action, `Use ${[...ACTIONS.keys()].join(', ')}.`);
    if (namespace === undefined) throw usage('namespace', undefined, 'Name it, e.g. acme.');
    await act({ registry: openRegistry(registryUrl(values.registry)), namespace, values });
    return 0;
  },
};

function readArgs(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      ...COMMON_OPTIONS,
      registry: { type: 'string' },
      key: { type: 'string' },
      reason: { type: 'string' },
      private: { type: 'boolean', default: false },
      'token-out': { type: 'string' },
    },
    allowPositionals: true,
  });
}

async function show({ registry, namespace, values }: Job): Promise<void> {
  const found = await namespaceAt(registry, namespace, tokenFor(registry.url, namespace));
  print(found, values.json, () => {
    const rows = found.keys.map(({ hint, role, alg, revokedAtLogIndex }) => [
      hint,
      role,
      alg,
      revokedAtLogIndex === null ? 'holds' : `revoked from leaf ${String(revokedAtLogIndex)}`,
    ]);
    const head = `${found.name} is ${found.visibility} at ${registry.url}.`;
    if (rows.length === 0) return plain(`${head} It has no key yet.`);
    return plain(`${head}\n${table([['KEY', 'ROLE', 'KIND', 'STATE'], ...rows])}`);
  });
}

async function claim({ registry, namespace, values }: Job): Promise<void> {
  const token = adminToken(registry.url);
  const mine = listKeys().find((it) => it.namespace === namespace && it.role === 'signer');
  const { hint } = mine ?? makeKey({ namespace, alg: 'ed25519', role: 'signer' });
  const made = await makeNamespace(registry, { name: namespace, isPrivate: values.private }, token);
  keepLogin(registry.url, { namespaces: { [namespace]: made } });
  await addKey(registry, namespace, ownKey(hint), made);
  print({ namespace, key: hint, registry: registry.url }, values.json, () =>
    [
      `${namespace} is yours at ${registry.url}; the key ${hint} signs for it.`,
      'Next: hub-plugin publish',
    ].join('\n'),
  );
}

async function grant({ registry, namespace, values }: Job): Promise<void> {
  const token = adminToken(registry.url);
  const out = values['token-out'];
  if (out === undefined)
    throw usage('--token-out', undefined, 'Name the file that the author’s token goes into.');
  if (existsSync(out)) throw usage('--token-out', out, 'It exists already; name another file.');
  const made = await makeNamespace(registry, { name: namespace, isPrivate: values.private }, token);
  writePrivate(out, `${made}\n`, 'wx');
  print({ namespace, tokenFile: out }, values.json, () =>
    [
      `${namespace} is granted. Give ${out} to its author, who then runs:`,
      `  hub-plugin login ${registry.url} --namespace ${namespace} --token-file <file>`,
      `  hub-plugin namespaces add-key ${namespace} --key <key>`,
    ].join('\n'),
  );
}

async function add({ registry, namespace, values }: Job): Promise<void> {
  if (values.key === undefined)
    throw usage('--key', undefined, 'Name a key of yours; see: hub-plugin keys list');
  const key = ownKey(values.key);
  await addKey(registry, namespace, key, publishToken(registry.url, namespace));
  print({ namespace, key: key.hint, role: key.part.role }, values.json, () =>
    key.part.role === 'recovery'
      ? `${key.hint} is the recovery key of ${namespace} now. Keep its file offline.`
      : `${key.hint} signs for ${namespace} now.`,
  );
}

async function revoke({ registry, namespace, values }: Job): Promise<void> {
  const { key: hint, reason } = values;
  if (hint === undefined) throw usage('--key', undefined, 'Name the key to revoke.');
  if (reason === undefined)
    throw usage('--reason', undefined, 'Say why; everybody can read it in the log.');
  const token = publishToken(registry.url, namespace);
  const found = await namespaceAt(registry, namespace, token);
  const key = found.keys.find((it) => it.hint === hint);
  if (key === undefined) throw new HubError('PUBLISHER_KEY_MISSING', { key: hint });
  await revokeKey(registry, namespace, { key, reason }, token);
  print({ namespace, key: hint }, values.json, () => `${hint} is revoked for ${namespace}.`);
}

/** Null for a namespace that anybody may read. */
function tokenFor(url: string, namespace: string): string | null {
  try {
    return publishToken(url, namespace);
  } catch (error) {
    if (HubError.is(error, 'TOKEN_MISSING')) return null;
    throw error;
  }
}
