import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { restore } from './admin/index.ts';
import type { Report } from './app.ts';
import { TRANSFER_HELP, isTransfer, transfer } from './cli/index.ts';
import { HELP, parseOptions, type Options } from './options.ts';
import { createRegistry, type Registry } from './registry.ts';
import { serveRegistry } from './serve.ts';

const report: Report = (line) =>
  console.log(JSON.stringify({ at: new Date().toISOString(), level: 'info', ...line }));

async function main(args: readonly string[]): Promise<number> {
  if (isTransfer(args[0])) return await transfer(args);
  const options = parseOptions(args);
  if (options === 'help') {
    console.log(`${HELP}\n\n${TRANSFER_HELP}`);
    return 0;
  }
  if ('problem' in options) {
    console.error(`registry: ${options.problem}. See --help`);
    return 2;
  }
  try {
    await run(options);
    return 0;
  } catch (error) {
    console.error(`registry: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof HubError) console.error(error.cure);
    return 1;
  }
}

/** Serves until a signal asks it to stop. */
async function run(options: Options): Promise<void> {
  const { folder, origin, readsPerMinute, publishesPerMinute } = options;
  const limits = { readsPerMinute, publishesPerMinute };
  if (options.restore !== null)
    report({ event: 'restored', blobs: await restore(options.restore, folder) });
  using stack = new DisposableStack();
  const registry = stack.adopt(
    await createRegistry({ folder, limits, report, ...(origin === null ? {} : { origin }) }),
    (it) => it.close(),
  );
  await using door = await serveRegistry(registry, options);
  const { url, port } = door;
  report({
    event: 'listening',
    url,
    port,
    origin: registry.origin,
    fingerprint: registry.fingerprint,
  });
  tellAdmin(registry, options);
  const signal = await stopped();
  report({ event: 'stopping', signal });
}

/** On standard error, which is for people: a token must not end in a collector of logs. */
function tellAdmin({ adminToken, newAdminToken, fingerprint }: Registry, options: Options): void {
  const token = adminToken ?? (options.newAdminToken ? newAdminToken() : null);
  if (token === null) return;
  console.error(`Admin token, shown this once: ${token}`);
  console.error(`Fingerprint of the log’s key, for whoever adds this registry: ${fingerprint}`);
}

async function stopped(): Promise<string> {
  return await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => resolve(signal));
  });
}

process.exitCode = await main(process.argv.slice(2));
