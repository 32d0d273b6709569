import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ErrorReport, Manifest } from '@runtime-hub/plugin-sdk/contract';
import { plain, print, table, usage, type Command } from './output.ts';
import { permissionLines } from './permissions.ts';
import { COMMON_OPTIONS, openSession, type Session } from './session.ts';

const HELP = `hub plugins list
hub plugins install <artifact.tgz | core/flow …> …
hub plugins remove <id>
hub plugins verify

install   checks the signature, the publisher and every file, then asks for nothing: what the plugin may touch is
          decided with hub permissions approve. A built-in id (core/flow, core/screen, core/ocr, core/mouse) is packed
          from this clone and signed with this hub’s developer key.
verify    checks every installed file again. Exit code 1 when something was refused.`;

interface Installed {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly publisher: string;
}
interface Refused {
  readonly id: string;
  readonly error: ErrorReport;
}

export const pluginsCommand: Command = {
  name: 'plugins',
  summary: 'list, install, remove and verify plugins',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: COMMON_OPTIONS,
      allowPositionals: true,
    });
    const [action = 'list', ...names] = positionals;
    await using session = await openSession(values.data);
    switch (action) {
      case 'list':
        return await list(session, values.json);
      case 'install':
        return await install(session, names, values.json);
      case 'remove':
        return await remove(session, names, values.json);
      case 'verify':
        return await verify(session, values.json);
      default:
        throw usage('plugins', action, 'Use list, install, remove or verify.');
    }
  },
};

async function list(session: Session, asJson: boolean): Promise<number> {
  // SAFETY: the hub's own API.
  const value = (await session.client.send('GET', '/api/v1/plugins')) as unknown as {
    plugins: Installed[];
    refused: Refused[];
  };
  print(value, asJson, () => {
    if (value.plugins.length + value.refused.length === 0) {
      return 'No plugin is installed. Try: hub plugins install core/flow core/screen core/ocr core/mouse';
    }
    const rows = value.plugins.map(({ manifest, publisher }) => [
      manifest.id,
      manifest.version,
      manifest.runtime,
      publisher,
      plain(manifest.title),
    ]);
    const refused = value.refused.map(
      ({ id, error }) => `\nrefused: ${id} — ${error.code}: ${plain(error.message)}`,
    );
    return table(['ID', 'VERSION', 'RUNS AS', 'SIGNED BY', 'TITLE'], rows) + refused.join('');
  });
  return 0;
}

async function install(
  session: Session,
  sources: readonly string[],
  asJson: boolean,
): Promise<number> {
  if (sources.length === 0)
    throw usage('source', undefined, 'Name an artifact file or a built-in plugin.');
  for (const source of sources) {
    const where = existsSync(source) ? resolve(source) : source;
    // SAFETY: the hub's own API.
    const installed = (await session.client.send('POST', '/api/v1/plugins', {
      source: where,
    })) as unknown as Installed;
    print(installed, asJson, () => {
      const { manifest, publisher, digest } = installed;
      return [
        `Installed ${manifest.id} ${manifest.version}, signed by ${publisher} (${digest.slice(0, 19)}…).`,
        ...permissionLines(manifest.permissions),
      ].join('\n');
    });
  }
  return 0;
}

async function remove(session: Session, ids: readonly string[], asJson: boolean): Promise<number> {
  if (ids.length === 0) throw usage('id', undefined, 'Name an installed plugin, e.g. core/flow.');
  for (const id of ids) {
    const value = await session.client.send('DELETE', `/api/v1/plugins/${id}`);
    print(value, asJson, () => `Removed ${id}.`);
  }
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
