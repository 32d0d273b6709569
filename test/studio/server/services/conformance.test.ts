import { createBus, type Service } from '@runtime-hub/kernel';
import type { CapabilityName, Json } from '@runtime-hub/plugin-sdk/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBlobs, type Blobs } from '../../../../studio/server/services/blobs-service.ts';
import { openServices } from '../../../../studio/server/services/open-services.ts';
import { openSecrets } from '../../../../studio/server/services/secrets/secret-store.ts';
import { openStore, type Store } from '../../../../studio/server/store/store.ts';
import { systemClock as clock } from '../../../../studio/server/system.ts';
import { temporaryFolder } from '../../../support/hub.ts';
import { testService } from './service-suite.ts';

const folder = temporaryFolder('services');
let store: Store;
let blobs: Blobs;
let all: readonly Service[] = [];

beforeAll(async () => {
  store = await openStore(folder.path);
  blobs = createBlobs({ clock });
  const secrets = openSecrets(folder.path, clock);
  const events = createBus({ clock });
  const ports = { folder: folder.path, clock, events, state: store.state, blobs, secrets };
  ({ all } = openServices({ ...ports, networks: [] }));
});
afterAll(async () => {
  blobs.close();
  await store.close();
  folder[Symbol.dispose]();
});

const SAMPLES: readonly (readonly [CapabilityName, string, Json])[] = [
  ['state', 'get', { key: 'k' }],
  ['log', 'write', { level: 'info', text: 'a line' }],
  ['blobs', 'put', { file: 'none', mime: 'text/plain' }],
  ['clock', 'now', {}],
  ['random', 'bytes', { count: 8 }],
  ['net.http', 'request', { method: 'GET', url: 'http://127.0.0.1:9/' }],
  ['fs.read', 'stat', { path: '/usr/bin/nothing-here' }],
  ['fs.write', 'remove', { path: '~/nothing-here' }],
  ['process.run', 'run', { program: '/bin/nothing-here', args: [] }],
  ['process.list', 'list', { name: 'nothing-here' }],
  ['process.end', 'end', { pid: 1, program: '/sbin/nothing-here' }],
];

for (const [capability, operation, args] of SAMPLES)
  testService(capability, () => serviceOf(capability), { operation, args });

test('every service of the hub is put to the suite', () => {
  expect(all.map((it) => it.capability).toSorted()).toEqual(
    SAMPLES.map(([capability]) => capability).toSorted(),
  );
});

function serviceOf(capability: CapabilityName): Service {
  const service = all.find((it) => it.capability === capability);
  if (service === undefined) throw new Error(`nothing provides ${capability}`);
  return service;
}
