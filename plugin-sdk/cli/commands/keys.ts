import { parseArgs } from 'node:util';
import { keysFolder, listKeys, makeKey, publicPart } from '../keys/key-store.ts';
import { COMMON_OPTIONS, print, table, usage, type Command } from '../output.ts';

const HELP = `hub-plugin keys list
hub-plugin keys new <namespace> [--p256] [--recovery]
hub-plugin keys show <key>
hub-plugin keys export <key>

new      makes a signing key, Ed25519 unless --p256, in a file only you can read: in $HUB_PLUGIN_KEYS, else
         ~/.config/runtime-hub/keys. Keep a copy in a safe place: without it you can't sign as the same publisher.
         --recovery makes one that only ever signs changes of the namespace's keys: register it with
         hub-plugin namespaces add-key, then keep its file offline.
export   prints the public part, for the admin of a registry or of a hub (trust-policy.json). The private part is
         never printed.`;

export const keysCommand: Command = {
  name: 'keys',
  summary: 'make, list and export signing keys',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        p256: { type: 'boolean', default: false },
        recovery: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const [action = 'list', name] = positionals;
    switch (action) {
      case 'list':
        list(values.json);
        return await Promise.resolve(0);
      case 'new':
        make(name, values);
        return 0;
      case 'show':
      case 'export':
        tell(name, values.json || action === 'export');
        return 0;
      default:
        throw usage('keys', action, 'Use list, new, show or export.');
    }
  },
};

function list(asJson: boolean): void {
  const keys = listKeys();
  print({ keys }, asJson, () => {
    if (keys.length === 0) return 'There is no key yet. Make one: hub-plugin keys new <namespace>';
    const rows = keys.map((it) => [
      it.hint,
      it.namespace,
      it.alg,
      it.role,
      it.createdAt.slice(0, 10),
    ]);
    return table([['KEY', 'NAMESPACE', 'KIND', 'ROLE', 'MADE'], ...rows]);
  });
}

function make(
  namespace: string | undefined,
  values: { readonly p256: boolean; readonly recovery: boolean; readonly json: boolean },
): void {
  if (namespace === undefined)
    throw usage('namespace', undefined, 'Name the namespace the key is for, e.g. acme.');
  const alg = values.p256 ? 'p256' : 'ed25519';
  const key = makeKey({ namespace, alg, role: values.recovery ? 'recovery' : 'signer' });
  print(key, values.json, () =>
    [
      `Made the key ${key.hint} for ${key.namespace}/* in ${keysFolder()}.`,
      'Keep a copy of its file in a safe place; it can’t be made again.',
    ].join('\n'),
  );
}

function tell(hint: string | undefined, asJson: boolean): void {
  if (hint === undefined) throw usage('key', undefined, 'Name a key; see: hub-plugin keys list');
  const key = publicPart(hint);
  print(key, asJson, () =>
    table([
      ['key', key.hint],
      ['namespace', key.namespace],
      ['kind', key.alg],
      ['role', key.role],
      ['made', key.createdAt],
      ['public', key.spki],
    ]),
  );
}
