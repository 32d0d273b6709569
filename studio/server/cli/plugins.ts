import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ErrorReport, Json, WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { plain, print, table, usage, type Command } from './output.ts';
import { REGISTRY_ACTIONS, type PluginWords } from './plugin-registry.ts';
import { useTable, type PluginUse } from './plugin-use.ts';
import { outcomeText, type Installed, type Outcome } from './plugin-words.ts';
import { COMMON_OPTIONS, openSession, type Session } from './session.ts';

const HELP = `hub plugins list
hub plugins search [words] [--capability <name>] [--runtime <name>] [--namespace <ns>]
hub plugins info    <ns/name>
hub plugins install <ns/name[@range] | artifact.tgz | core/flow …> … [--approve]
hub plugins update  <ns/name[@range]> [--preview] [--approve]
hub plugins rollback | why | unpin <ns/name>
hub plugins pin     <ns/name[@version]>
hub plugins lock | migrate <workflow.json>
hub plugins remove  <ns/name[@version]> …
hub plugins verify

list      shows what is installed and refused, and what each version used: processor time, peak memory of a host, calls,
          denied calls and crashes. --json has log and blob bytes, steps and rates besides.
install   checks the signature, the publisher and every file, then asks for nothing: what the plugin may touch is
          decided with hub permissions approve, or at once with --approve. A built-in id (core/flow, core/screen, core/ocr,
          core/mouse) is packed from this clone and signed with this hub’s developer key.
update    takes the newest version. One that asks for more, comes from another publisher or runs in another way waits, and
          the old one keeps running, until --approve or hub permissions approve. --preview only shows what would change,
          also for every workflow that ran here.
pin       keeps a plugin at its version. lock writes the exact version and digest of every plugin into a workflow file:
          it then runs with these, whatever else is installed. migrate moves a locked file to the versions installed now:
          each node’s config goes through what its plugin does with configs of older versions.
why       says who signed it, which entry of the trust policy allows it, what it may do and which workflows use it.
verify    checks every installed file again. Exit code 1 when something was refused.`;

interface Refused {
  readonly id: string;
  readonly error: ErrorReport;
}

const OPTIONS = {
  ...COMMON_OPTIONS,
  approve: { type: 'boolean', default: false },
  preview: { type: 'boolean', default: false },
  capability: { type: 'string' },
  runtime: { type: 'string' },
  namespace: { type: 'string' },
} as const;

type Act = (session: Session, words: PluginWords) => Promise<number>;
const ACTIONS: Readonly<Record<string, Act>> = {
  ...REGISTRY_ACTIONS,
  install,
  remove,
  lock: async (session, words) => await rewrite(session, words, 'lock'),
  migrate: async (session, words) => await rewrite(session, words, 'migrate'),
  list: async (session, { json }) => await list(session, json),
  verify: async (session, { json }) => await verify(session, json),
};

export const pluginsCommand: Command = {
  name: 'plugins',
  summary: 'find, install, update, remove and verify plugins',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const [action = 'list', ...names] = positionals;
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (act === undefined)
      throw usage('plugins', action, `Use one of: ${Object.keys(ACTIONS).toSorted().join(', ')}.`);
    const { json, approve, preview, capability, runtime, namespace } = values;
    await using session = await openSession(values.data);
    const by = userInfo().username;
    const filters = { capability, runtime, namespace };
    return await act(session, { names, json, approve, preview, by, filters });
  },
};

async function list(session: Session, asJson: boolean): Promise<number> {
  // SAFETY: the hub's own API.
  const value = (await session.client.send('GET', '/api/v1/plugins')) as unknown as {
    plugins: Installed[];
    refused: Refused[];
    used: PluginUse;
  };
  print(value, asJson, () => {
    if (value.plugins.length + value.refused.length === 0) {
      return 'No plugin is installed. Try: hub plugins install core/flow core/screen core/ocr core/mouse';
    }
    const rows = value.plugins.map(({ manifest, publisher, unsigned }) => [
      manifest.id,
      manifest.version,
      manifest.runtime,
      unsigned ? 'UNSIGNED' : publisher,
      plain(manifest.title),
    ]);
    const refused = value.refused.map(
      ({ id, error }) => `\nrefused: ${id} — ${error.code}: ${plain(error.message)}`,
    );
    const installed = table(['ID', 'VERSION', 'RUNS AS', 'SIGNED BY', 'TITLE'], rows);
    const used = useTable(value.used);
    return installed + refused.join('') + (used === '' ? '' : `\n\n${used}`);
  });
  return 0;
}

async function install(session: Session, words: PluginWords): Promise<number> {
  const { names, json, approve, by } = words;
  if (names.length === 0)
    throw usage(
      'source',
      undefined,
      'Name a plugin of a registry, an artifact file or a built-in plugin.',
    );
  for (const source of names) {
    const where = existsSync(source) ? resolve(source) : source;
    // SAFETY: the hub's own API.
    const outcome = (await session.client.send('POST', '/api/v1/plugins', {
      ...{ source: where, approve, by },
    })) as unknown as Outcome;
    print(outcome, json, () => outcomeText(outcome));
  }
  return 0;
}

async function remove(session: Session, { names, json }: PluginWords): Promise<number> {
  if (names.length === 0) throw usage('id', undefined, 'Name an installed plugin, e.g. core/flow.');
  for (const name of names) {
    const [id = '', version] = name.split('@');
    const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`;
    const value = await session.client.send('DELETE', `/api/v1/plugins/${id}${query}`);
    print(value, json, () => `Removed ${name}.`);
  }
  return 0;
}

/** Writes what the workflow runs with into its file; the rest of the file stays as it is. */
async function rewrite(
  session: Session,
  { names: [file], json }: PluginWords,
  action: 'lock' | 'migrate',
): Promise<number> {
  if (file === undefined) throw usage('workflow', undefined, 'Name the file of a workflow.');
  const text = readFileSync(file, 'utf8');
  // SAFETY: JSON.parse gives JSON; the hub checks its shape.
  const workflow = JSON.parse(text) as Json;
  const value = await session.client.send('POST', `/api/v1/plugins/${action}`, { workflow });
  // SAFETY: the hub's own API.
  const locked = value as unknown as { workflow: WorkflowDocument };
  writeFileSync(file, `${JSON.stringify(locked.workflow, null, 2)}\n`);
  const pins = Object.entries(locked.workflow.plugins ?? {});
  print(locked.workflow.plugins, json, () =>
    pins.map(([id, { version }]) => `${id} ${version}`).join('\n'),
  );
  return 0;
}

async function verify(session: Session, asJson: boolean): Promise<number> {
  // SAFETY: the hub's own API.
  const value = (await session.client.send('POST', '/api/v1/plugins/verify')) as unknown as {
    refused: Refused[];
  };
  print(value, asJson, () =>
    value.refused.length === 0
      ? 'Every installed plugin is exactly what its publisher signed.'
      : value.refused
          .map(({ id, error }) => `refused: ${id} — ${error.code}: ${plain(error.message)}`)
          .join('\n'),
  );
  return value.refused.length === 0 ? 0 : 1;
}
