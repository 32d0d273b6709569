import { parseArgs } from 'node:util';
import * as Type from 'typebox';
import { HubError, VERSION_STATES } from '../../contract/index.ts';
import { adminToken, publishToken, registryUrl } from '../keys/logins.ts';
import { COMMON_OPTIONS, print, usage, type Command } from '../output.ts';
import { checked, openRegistry } from '../registry-api.ts';

const HELP = `hub-plugin state <namespace/name@version> deprecate|yank|revoke --reason <text> [--registry <url>]
hub-plugin state <namespace/name@version> approve --reason <text> [--registry <url>]

deprecate  it may still be installed, with a warning
yank       no new installs; what is installed goes on
revoke     every hub stops it at once, running steps too. For what does harm; it can't be undone
approve    lets a version go that the registry holds; for its admins and reviewers
The reason is logged for everybody.`;

const ACTS = ['deprecate', 'yank', 'revoke', 'approve'] as const;
const Changed = Type.Object({
  id: Type.String(),
  version: Type.String(),
  state: Type.Unsafe<(typeof VERSION_STATES)[number]>({ enum: [...VERSION_STATES] }),
  logIndex: Type.Integer(),
});

export const stateCommand: Command = {
  name: 'state',
  summary: 'deprecate, yank or revoke a published version',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        reason: { type: 'string' },
        registry: { type: 'string' },
      },
      allowPositionals: true,
    });
    const [subject, word] = positionals;
    const { namespace, path } = parseSubject(subject);
    const act = ACTS.find((it) => it === word);
    if (act === undefined) throw usage('state', word, `Use ${ACTS.join(', ')}.`);
    const { reason } = values;
    if (reason === undefined)
      throw usage('--reason', undefined, 'Say why; it is logged for everybody.');
    const registry = openRegistry(registryUrl(values.registry));
    const token =
      act === 'approve' ? adminToken(registry.url) : keeperToken(registry.url, namespace);
    const answer = await registry.send('POST', `/v1/plugins/${path}/${act}`, token, { reason });
    const changed = checked(registry.url, Changed, answer);
    const { id, version, state, logIndex } = changed;
    print(
      changed,
      values.json,
      () => `${id} ${version} is ${state} (leaf ${String(logIndex)} of the log).`,
    );
    return 0;
  },
};

function parseSubject(text: string | undefined): {
  readonly namespace: string;
  readonly path: string;
} {
  const [, namespace, name, version] =
    /^([a-z0-9-]+)\/([a-z0-9-]+)@([\w.-]+)$/u.exec(text ?? '') ?? [];
  if (namespace !== undefined && name !== undefined && version !== undefined)
    return { namespace, path: `${namespace}/${name}/${version}` };
  throw usage('version', text, 'Name it whole: namespace/name@version.');
}

/** The namespace's own token, else an admin's. Throws TOKEN_MISSING. */
function keeperToken(url: string, namespace: string): string {
  try {
    return publishToken(url, namespace);
  } catch (error) {
    if (HubError.is(error, 'TOKEN_MISSING')) return adminToken(url);
    throw error;
  }
}
