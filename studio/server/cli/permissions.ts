import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import {
  capabilityText,
  inWords,
  parseCapability,
  visible,
  type JsonObject,
  type Permission,
  type Grant,
} from '@runtime-hub/plugin-sdk/contract';
import { OBSERVE_HELP, observe } from './observe.ts';
import { plain, print, table, usage, type Command } from './output.ts';
import { COMMON_OPTIONS, openSession } from './session.ts';

const HELP = `hub permissions list
hub permissions approve <plugin> [--capability <name[:target][;rate=N/s]>] [--for <hours>]
                        [--workspace <name>] [--reason <text>]
hub permissions deny    <plugin> [--capability <name>] [--workspace <name>] [--reason <text>]
hub permissions revoke  <plugin> [--capability <name>] [--workspace <name>] [--reason <text>]

Without --capability the command speaks of everything the plugin asks for. With a target it grants less than asked:
  hub permissions approve core/mouse --capability "input.mouse:window=Queue monitor;rate=2/s"
With --workspace the decision holds for the runs of one workspace (hub run --workspace), else for all; a denial that
holds for all wins over an approval for one. --reason is kept with the decision, in the audit too.
A revoke takes effect at once: steps that are using the permission are aborted.

${OBSERVE_HELP}`;

const OPTIONS = {
  ...COMMON_OPTIONS,
  capability: { type: 'string' },
  for: { type: 'string' },
  workspace: { type: 'string' },
  reason: { type: 'string' },
} as const;

export const permissionsCommand: Command = {
  name: 'permissions',
  summary: 'see, approve, narrow, deny and revoke what plugins may touch',
  help: HELP,
  async run(args) {
    if (args[0] === 'observe') return await observe(args.slice(1));
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const [action = 'list', plugin] = positionals;
    if (!['list', 'approve', 'deny', 'revoke'].includes(action)) {
      throw usage('permissions', action, 'Use list, approve, deny, revoke or observe.');
    }
    if (action !== 'list' && plugin === undefined) {
      throw usage(
        'plugin',
        undefined,
        'Name a plugin, e.g. core/mouse; hub permissions list shows them.',
      );
    }
    const body = action === 'list' ? {} : decisionOf(String(plugin), values);
    await using session = await openSession(values.data);
    const path = `/api/v1/permissions${action === 'list' ? '' : `/${action}`}`;
    const value = await session.client.send(
      action === 'list' ? 'GET' : 'POST',
      path,
      action === 'list' ? undefined : body,
    );
    // SAFETY: the hub's own API.
    const { grants } = value as unknown as { grants: Grant[] };
    print(value, values.json, () => grantTable(grants));
    return 0;
  },
};

/** What a plugin asks for, in words, one line each. */
export function permissionLines(permissions: readonly Permission[]): string[] {
  return permissions.map(
    (it) => `  asks to: ${inWords(it)} — ${plain(it.reason)}  (${visible(capabilityText(it))})`,
  );
}

function decisionOf(
  plugin: string,
  given: { readonly [O in 'capability' | 'for' | 'workspace' | 'reason']?: string | undefined },
): JsonObject {
  const { capability, for: hours, workspace, reason } = given;
  const body: Record<string, string | number> = { plugin, by: userInfo().username };
  if (workspace !== undefined) body['workspace'] = workspace;
  if (reason !== undefined) body['reason'] = reason;
  if (capability !== undefined) {
    const named = parseCapability(capability.includes(':') ? capability : `${capability}:*`);
    if (named === null)
      throw usage(
        '--capability',
        capability,
        'Use name:target, e.g. screen.capture:window=Queue monitor.',
      );
    body['capability'] = named.capability;
    if (capability.includes(':')) body['target'] = named.target;
    if (named.ratePerSecond !== undefined) body['ratePerSecond'] = named.ratePerSecond;
  }
  if (hours !== undefined) {
    if (!(Number(hours) > 0)) throw usage('--for', hours, 'Give a number of hours, e.g. 8.');
    body['until'] = Date.now() + Number(hours) * 3_600_000;
  }
  return body;
}

const HEAD = ['STATUS', 'PLUGIN', 'CAPABILITY', 'WORKSPACE', 'BY', 'PLUGIN SAYS', 'REASON'];

function grantTable(grants: readonly Grant[]): string {
  if (grants.length === 0) return 'No plugin has asked for anything yet.';
  const rows = grants.map((grant) => [
    grant.status,
    grant.plugin,
    visible(capabilityText(grant.permission)),
    grant.status === 'requested' ? '' : (grant.workspace ?? '*'),
    'by' in grant ? visible(grant.by) : '',
    plain(grant.permission.reason),
    'reason' in grant ? visible(grant.reason ?? '') : '',
  ]);
  return table(HEAD, rows);
}
