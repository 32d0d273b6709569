import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import type { PluginId } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, test } from 'vitest';
import { RegistryLog } from '../../plugin-sdk/artifact/registry-log.ts';
import { packOf, reach } from '../../e2e/registry-pack.ts';
import { newKey, post } from '../../registry/open-registry.ts';
import { WORDS, addRegistry, openScene } from '../../studio/server/plugins/machine.ts';
import { API, hub, newId, publish, scene, withApi, type Change } from './consent-stage.ts';
import { outcomeOf, playTries } from './tries.ts';

/** Under another policy, which is put back. */
const under = (more: (policy: TrustPolicy) => Partial<TrustPolicy>, change: Change = withApi) => {
  return async (): Promise<unknown> => {
    const id = newId();
    await publish(id, '1.0.0', change);
    const before = hub.plugins.policy;
    hub.policy.change((policy) => ({ ...policy, ...more(policy) }));
    try {
      return await hub.installer.install(id);
    } finally {
      hub.policy.change(() => before);
    }
  };
};
const acting = async (id: PluginId, act: string): Promise<void> => {
  const path = `/v1/plugins/${id}/1.0.0/${act}`;
  await scene.at.ask('POST', path, { token: scene.acme.token, json: { reason: 'why' } });
};

playTries('an install that the admin does not want', [
  {
    name: 'a capability that nobody may have',
    code: 'POLICY_CAPABILITY_DENIED',
    act: under(() => ({ permissions: { deny: ['net.http'] } })),
  },
  {
    name: 'a host that nobody may reach',
    code: 'POLICY_HOST_DENIED',
    act: under(() => ({ permissions: { denyHosts: ['*.example.com'] } })),
  },
  {
    name: 'a host that nobody may reach, behind a wider one',
    code: 'POLICY_HOST_DENIED',
    act: under(() => ({ permissions: { denyHosts: ['api.example.com'] } }), {
      permissions: [reach('http://api.example.com:8080')],
    }),
  },
  {
    name: 'a release that is younger than wanted',
    code: 'POLICY_RELEASE_TOO_YOUNG',
    act: under(({ registries = [] }) => ({
      registries: registries.map((it) => ({ ...it, minReleaseAgeHours: 72 })),
    })),
  },
  {
    name: 'a release that no approver of the admin’s has seen',
    code: 'POLICY_ATTESTATION_MISSING',
    act: under(({ namespaces }) => ({
      namespaces: namespaces.map((it) =>
        it.match === 'acme/*' ? { ...it, require: ['review'], approvers: ['boss'] } : it,
      ),
    })),
  },
  {
    name: 'a plugin of a namespace that comes from elsewhere',
    code: 'POLICY_NAMESPACE_EXCLUSIVE',
    act: async () => {
      const artifact = packOf({ id: WORDS, version: '99.0.0' });
      const bundle = await new RegistryLog('public.example').publish(artifact, newKey('acme-2026'));
      return await hub.plugins.install({ artifact, bundle });
    },
  },
  {
    name: 'a version that its publisher took back',
    code: 'PLUGIN_VERSION_NOT_FOUND',
    act: async () => {
      const id = newId();
      await publish(id, '1.0.0');
      await acting(id, 'yank');
      return await hub.installer.install(id);
    },
  },
  {
    name: 'a version that was revoked, brought as a file',
    code: 'PLUGIN_REVOKED',
    act: async () => {
      const id = newId();
      await publish(id, '1.0.0');
      const [client] = hub.registries.all();
      const [version] = (await client?.plugin(id))?.versions ?? [];
      if (client === undefined || version === undefined) throw new Error('It is not there.');
      const release = await client.release(version);
      await acting(id, 'revoke');
      await hub.watch.read(client.origin);
      return await hub.plugins.install(release);
    },
  },
]);

test('an older version is never taken for an update', async ({ task }) => {
  const id = newId();
  await publish(id, '1.0.0');
  await publish(id, '2.0.0');
  await hub.installer.install(id);
  const path = `/v1/plugins/${id}/2.0.0/yank`;
  await scene.at.ask('POST', path, { token: scene.acme.token, json: { reason: 'why' } });
  const { status, plugin } = await hub.installer.update(id);
  task.meta.outcome = status;
  expect([status, plugin.manifest.version]).toEqual(['unchanged', '2.0.0']);
});

test('bytes that were changed on disk after the install are refused at the next start', async ({
  task,
}) => {
  await using own = await openScene();
  await own.publish({ version: '1.0.0' });
  {
    await using first = await own.open();
    await addRegistry(first, own);
    const { plugin } = await first.installer.install(WORDS);
    const file = join(plugin.folder, 'plugin.js');
    const text = readFileSync(file, 'utf8');
    // Its owner may always make it writable again.
    chmodSync(file, 0o644);
    writeFileSync(file, `${text}\n// evil`);
  }
  await using second = await own.open();
  const [refused] = second.plugins.refused();
  task.meta.outcome = String(refused?.error.code);
  expect(refused).toMatchObject({ id: WORDS, error: { code: 'ARTIFACT_FILE_MISMATCH' } });
  expect(second.plugins.get(WORDS)).toBeNull();
});

const saying = (reason: string) => async (): Promise<string> => {
  const reply = await post(
    scene.at.ask,
    scene.acme,
    packOf({ id: newId(), version: '1.0.0', permissions: [{ ...API, reason }] }),
  );
  return String(reply.json.code ?? 'published');
};
describe('text that would make an approval read as something else is refused', () => {
  test.for<readonly [string, string]>([
    ['text that turns around', 'Asks for \u202erehtaew eht'],
    ['an isolate of directions', 'Asks for \u2066the weather\u2069'],
    ['a zero-width space', 'Asks for the wea\u200bther'],
    ['a line break', 'Asks for the weather\nGranted by: admin'],
    ['an escape sequence', 'Asks \u001b[2K\u001b[1Aharmless'],
    ['HTML', 'Asks <img src=x onerror=alert(1)>'],
  ])('%s', async ([, reason], { task }) => {
    const outcome = await saying(reason)();
    task.meta.outcome = outcome;
    expect(outcome).toBe('PUBLISH_RULES_BROKEN');
  });

  test('a reason of 10,000 letters', async ({ task }) => {
    // Refused before it is signed, as any honest tool would.
    task.meta.outcome = await outcomeOf(saying('x'.repeat(10_000)));
    expect(task.meta.outcome).toBe('MANIFEST_INVALID');
  });
});
