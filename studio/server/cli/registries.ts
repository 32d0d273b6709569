import { parseArgs } from 'node:util';
import type { ErrorReport } from '@runtime-hub/plugin-sdk/contract';
import { plain, print, table, usage, type Command } from './output.ts';
import { COMMON_OPTIONS, openSession, type Session } from './session.ts';

const HELP = `hub registries list
hub registries add <url> [--fingerprint <sha256>] [--namespace <ns/*> …] [--exclusive]
hub registries remove <origin>

add       trusts a registry: its log’s key and its root of trust go into trust-policy.json. --fingerprint: what whoever runs
          it says it is; without it, what it shows now is taken and shown. --namespace: what may come from it, all when
          left out; --exclusive: and from nowhere else.
Without a registry this hub asks nobody anything. When one is down, what is installed goes on working.`;

interface Registry {
  readonly origin: string;
  readonly url: string;
  readonly tufRootSha256: string;
  readonly readAt?: number | null;
  readonly error?: ErrorReport | null;
}

export const registriesCommand: Command = {
  name: 'registries',
  summary: 'list, add and remove registries',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        fingerprint: { type: 'string' },
        namespace: { type: 'string', multiple: true },
        exclusive: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const [action = 'list', what] = positionals;
    if (!['list', 'add', 'remove'].includes(action))
      throw usage('registries', action, 'Use list, add or remove.');
    if (action !== 'list' && what === undefined)
      throw usage('registries', undefined, 'Give its address, e.g. http://127.0.0.1:3100.');
    await using session = await openSession(values.data);
    if (action === 'list') await list(session, values.json);
    else if (action === 'remove') await remove(session, String(what), values.json);
    else await add(session, String(what), values);
    return 0;
  },
};

const PATH = '/api/v1/registries';

async function list({ client }: Session, json: boolean): Promise<void> {
  // SAFETY: the hub's own API.
  const value = (await client.send('GET', PATH)) as unknown as { registries: Registry[] };
  print(value, json, () => listText(value.registries));
}

async function remove({ client }: Session, origin: string, json: boolean): Promise<void> {
  const value = await client.send('DELETE', `${PATH}/${encodeURIComponent(origin)}`);
  print(value, json, () => `Removed ${origin}.`);
}

async function add(
  { client }: Session,
  url: string,
  values: { fingerprint?: string; namespace?: string[]; exclusive: boolean; json: boolean },
): Promise<void> {
  const { fingerprint, namespace, exclusive, json } = values;
  const value = await client.send('POST', PATH, {
    ...{ url, exclusive },
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(namespace === undefined ? {} : { namespaces: namespace }),
  });
  // SAFETY: the hub's own API.
  const added = value as unknown as Registry;
  print(added, json, () => {
    const checked = fingerprint === undefined ? 'trusted as it shows itself' : 'as expected';
    return `Added ${added.origin}; fingerprint ${added.tufRootSha256}, ${checked}.`;
  });
}

function listText(registries: readonly Registry[]): string {
  if (registries.length === 0) return 'This hub knows no registry, and asks nobody anything.';
  const rows = registries.map((it) => [
    it.origin,
    it.url,
    `${it.tufRootSha256.slice(0, 16)}…`,
    it.error === null || it.error === undefined
      ? 'its log is read and holds'
      : `${it.error.code}: ${plain(it.error.message)}`,
  ]);
  return table(['ORIGIN', 'ADDRESS', 'FINGERPRINT', 'STATE'], rows);
}
