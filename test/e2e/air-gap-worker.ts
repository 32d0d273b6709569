import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { createRegistry, serveRegistry } from '../../registry/index.ts';
import { importArchive } from '../../registry/mirror/index.ts';
import { createClient } from '../../studio/server/api/client.ts';
import { openHub, type Hub } from '../../studio/server/hub.ts';
import { serveOwner } from '../../studio/server/serve.ts';

/**
 * What happens on a machine without a network, in a process of its own: imports an export, serves it on loopback,
 * approves, installs and runs a pack of it, and asks for updates where no registry can be reached. Tells it all as JSON.
 */
const [data = '', folder = '', file = '', fingerprint = '', online = ''] = process.argv.slice(2);
const WORDS = 'acme/words';

const routes = execFileSync('ip', ['route', 'show', 'table', 'main'], { encoding: 'utf8' });
const now = (): number => Date.now();
const wish = { file, dryRun: true, fingerprint, maxMetadataAgeHours: 400 * 24 };
const ports = { data, now, own: new Set<string>() };
const rehearsed = await importArchive(ports, wish);
const taken = await importArchive(ports, { ...wish, dryRun: false });

const registry = await createRegistry({ folder: data, origin: 'mirror.far.internal' });
const door = await serveRegistry(registry, { port: 0 });

/** A hub on this machine's data folder, for as long as `act` takes. */
async function onHub<T>(
  act: (
    hub: Hub,
    send: (method: 'GET' | 'POST', path: string, body?: Json) => Promise<Json>,
  ) => Promise<T>,
): Promise<T> {
  await using hub = await openHub({ folder });
  await using _owner = await serveOwner(hub);
  const client = createClient(folder);
  return await act(
    hub,
    async (method, path, body) => await client.send(method, `/api/v1/${path}`, body),
  );
}

const workflow: WorkflowDocument = {
  ...{ format: 'runtime-hub/workflow@1', name: 'Uses words' },
  ...{ nodes: { only: { type: `${WORDS}:say` } }, edges: [] },
};
const ran = async ({ engine }: Hub) => await (await engine.start(workflow)).finished;

const done = await onHub(async (hub, send) => {
  const added = await send('POST', 'registries', {
    ...{ url: `${door.url}/mirror/${taken.origin}`, namespaces: ['acme/*'], fingerprint },
  });
  const installed = await send('POST', 'plugins', { source: WORDS, approve: true, by: 'admin' });
  return { added, installed, run: await ran(hub) };
});

/** The same origin at an address that cannot be reached from here. */
async function failing(url: string) {
  const policyFile = join(folder, 'trust-policy.json');
  // SAFETY: the hub wrote it.
  const policy = JSON.parse(readFileSync(policyFile, 'utf8')) as { registries: object[] };
  const registries = policy.registries.map((it) => ({ ...it, url }));
  writeFileSync(policyFile, JSON.stringify({ ...policy, registries }));
  return await onHub(async (hub, send) => {
    const before = performance.now();
    const refused = await send('POST', `plugins/${WORDS}/update`, {}).then(
      () => ({ code: 'it was reached', message: '' }),
      ({ code, message }: { code: string; message: string }) => ({ code, message }),
    );
    const ms = Math.round(performance.now() - before);
    return { ...refused, ms, run: await ran(hub) };
  });
}
const unreachable = [];
for (const url of [online, 'http://192.0.2.1:3100', 'http://reg.acme.internal:3100'])
  unreachable.push(await failing(url));

console.log(JSON.stringify({ routes, rehearsed, taken, ...done, unreachable }));
await door[Symbol.asyncDispose]();
registry.close();
