import { existsSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { HubError, NAMESPACE_PATTERN } from '../../contract/index.ts';
import { dropLogin, keepLogin, registryUrl } from '../keys/logins.ts';
import { COMMON_OPTIONS, print, usage, type Command } from '../output.ts';
import { openRegistry, type RegistryApi } from '../registry-api.ts';

const HELP = `hub-plugin login [registry] [--namespace <namespace>] [--token-file <file>]
hub-plugin login [registry] --forget

Keeps a token for a registry, in a file only you can read. The token is read from --token-file, else from standard input,
where you may paste it; never from the command line, which others can see.
With --namespace it is one to publish to that namespace, without one it is an admin's. The registry is
http://127.0.0.1:3100 when none is named. In CI set $HUB_TOKEN and $HUB_REGISTRY instead.`;

export const loginCommand: Command = {
  name: 'login',
  summary: 'keep a token for a registry',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        namespace: { type: 'string' },
        'token-file': { type: 'string' },
        forget: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const url = registryUrl(positionals[0]);
    if (values.forget) {
      dropLogin(url);
      print({ registry: url }, values.json, () => `Forgot every token for ${url}.`);
      return 0;
    }
    const { namespace } = values;
    if (namespace !== undefined && !new RegExp(NAMESPACE_PATTERN, 'u').test(namespace))
      throw usage('--namespace', namespace, 'Give a namespace, e.g. acme.');
    const token = await readToken(values['token-file']);
    const registry = openRegistry(url);
    const { title } = await registry.discover();
    await tryToken(registry, token, namespace);
    keepLogin(
      url,
      namespace === undefined ? { admin: token } : { namespaces: { [namespace]: token } },
    );
    const role = namespace === undefined ? 'admin' : 'publisher';
    print({ registry: url, title, role, namespace: namespace ?? null }, values.json, () =>
      namespace === undefined
        ? `Signed in to ${url} as an admin. Next: hub-plugin namespaces claim <namespace>`
        : `Signed in to ${url} to publish ${namespace}/*.`,
    );
    return 0;
  },
};

/** Throws TOKEN_INVALID or TOKEN_SCOPE_TOO_NARROW for a token that the registry does not take for that. */
async function tryToken(
  registry: RegistryApi,
  token: string,
  namespace: string | undefined,
): Promise<void> {
  if (namespace === undefined) {
    await registry.send('GET', '/v1/admin/settings', token);
    return;
  }
  await registry.send('GET', `/v1/namespaces/${namespace}`, token);
}

async function readToken(file: string | undefined): Promise<string> {
  if (file !== undefined && !existsSync(file))
    throw usage('--token-file', file, 'There is no such file.');
  const given = file === undefined ? await standardInput() : readFileSync(file, 'utf8');
  const token = given.trim();
  // What it was is not said: it may be nearly a token.
  if (!/^[\w-]{20,512}$/u.test(token)) throw new HubError('TOKEN_INVALID', {});
  return token;
}

/** All of standard input; from a terminal one line, which is not shown. */
async function standardInput(): Promise<string> {
  const { stdin } = process;
  if (!stdin.isTTY) return await text(stdin);
  process.stderr.write('Token (not shown): ');
  stdin.setRawMode(true).setEncoding('utf8');
  let line = '';
  try {
    for await (const keys of stdin) {
      // Ctrl+C is only a character here.
      if (String(keys).includes('\u0003')) break;
      line += String(keys);
      if (/[\r\n]/u.test(line)) return line;
    }
    return '';
  } finally {
    stdin.setRawMode(false).pause();
    process.stderr.write('\n');
  }
}
