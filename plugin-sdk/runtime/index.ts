import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const dist = join(import.meta.dirname, 'dist');
const require = createRequire(import.meta.url);

/** The bundled isolate host; run it with `node --no-node-snapshot --jitless`. */
export const ISOLATE_HOST = join(dist, 'isolate-host.js');

/** The bundled host of process and driver plugins; its first argument is the plugin's folder, `/plugin` when left out. */
export const PROCESS_HOST = join(dist, 'process-host.js');

/** Folders a jail must show read-only, at these same paths, for the hosts to start. */
export const RUNTIME_MOUNTS: readonly string[] = [
  dist,
  dirname(require.resolve('isolated-vm/package.json')),
  dirname(require.resolve('node-gyp-build/package.json')),
];
