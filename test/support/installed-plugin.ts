import type { InstalledPlugin } from '@runtime-hub/kernel';
import type { Manifest } from '@runtime-hub/plugin-sdk/contract';

/** An isolate plugin as if it were installed, with nothing but what the manifest's `own` part says. */
export const installedPlugin = (
  own: Pick<Manifest, 'id'> & Partial<Manifest>,
  more: Partial<Omit<InstalledPlugin, 'manifest'>> = {},
): InstalledPlugin => ({
  manifest: {
    manifestVersion: 1,
    version: '1.0.0',
    title: 'T',
    description: '',
    license: 'MIT',
    engine: '*',
    runtime: 'isolate',
    entry: 'plugin.js',
    permissions: [],
    provides: [],
    nodes: [],
    ...own,
  },
  digest: 'sha512-00',
  publisher: 'key-1',
  folder: '/nowhere',
  ...more,
});
