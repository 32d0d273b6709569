import { createInterface } from 'node:readline';
import { Writable, type Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import type { SecretInfo } from '../services/secrets/secret-store.ts';
import { print, table, usage, type Command } from './output.ts';
import { COMMON_OPTIONS, openSession } from './session.ts';

const HELP = `hub secrets list
hub secrets set    <name>
hub secrets remove <name>

The value of set comes from standard input, or from a prompt that shows nothing; never from the command line,
which other users of the machine can read:
  pass show github | hub secrets set github
Secrets are kept encrypted. No command and no API shows a value again; a plugin uses one by its name, towards the
host or program its permission secrets.use:<name>@<destination> names, and never sees it.`;

/** More than any value may have; the hub says so. */
const MAX_INPUT_BYTES = 65_536;

export const secretsCommand: Command = {
  name: 'secrets',
  summary: 'keep passwords and tokens for plugins to use but never see',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: COMMON_OPTIONS,
      allowPositionals: true,
    });
    const [action = 'list', name, ...rest] = positionals;
    if (!['list', 'set', 'remove'].includes(action)) {
      throw usage('secrets', action, 'Use list, set or remove.');
    }
    if (rest.length > 0) {
      const cure = 'Give the value on standard input, and take it for known by others now.';
      throw usage('value', 'on the command line', cure);
    }
    if (action !== 'list' && name === undefined) {
      throw usage('name', undefined, 'Name the secret, e.g. hub secrets set github.');
    }
    const named = { name: String(name) };
    const body = action === 'set' ? { ...named, value: await readValue(named.name) } : named;
    await using session = await openSession(values.data);
    const path = '/api/v1/secrets';
    const answer = await (action === 'list'
      ? session.client.send('GET', path)
      : session.client.send('POST', `${path}/${action}`, body));
    // SAFETY: the hub's own API.
    const { secrets } = answer as unknown as { readonly secrets: readonly SecretInfo[] };
    print(answer, values.json, () => secretTable(secrets));
    return 0;
  },
};

async function readValue(name: string): Promise<string> {
  const { stdin } = process;
  return stdin.isTTY ? await askHidden(name, stdin) : await readAll(stdin);
}

/** All of standard input but the line end that `echo` adds. */
async function readAll(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // SAFETY: without an encoding set, standard input yields Buffers.
  for await (const chunk of input as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_INPUT_BYTES) throw usage('value', 'too long', 'Give one password or token.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/u, '');
}

async function askHidden(name: string, input: Readable): Promise<string> {
  process.stderr.write(`Value of ${name} (not shown): `);
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output, terminal: true, historySize: 0 });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => reject(usage('value', undefined, 'Type it, then press Enter.')));
    });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

function secretTable(secrets: readonly SecretInfo[]): string {
  if (secrets.length === 0) return 'There are no secrets. Keep one with: hub secrets set <name>';
  const rows = secrets.map(({ name, createdAt, usedAt }) => [
    name,
    new Date(createdAt).toISOString(),
    usedAt === null ? 'never' : new Date(usedAt).toISOString(),
  ]);
  return table(['NAME', 'SET', 'LAST USED'], rows);
}
