import { tilePath, type TileId } from '@runtime-hub/plugin-sdk/artifact';

/** Where things lie in a mirror: as in the addresses of a registry, `index.json` where an address is also a folder. */
export const DISCOVERY = 'v1/index.json';
export const LIST = 'v1/plugins/index.json';
export const CHECKPOINT = 'v1/log/checkpoint';

export const recordPath = (id: string): string => `v1/plugins/${id}/index.json`;
export const bundlePath = (id: string, version: string): string =>
  `v1/plugins/${id}/${version}/bundle`;
export const attestationsPath = (id: string, version: string): string =>
  `v1/plugins/${id}/${version}/attestations`;
export const blobPath = (digest: string): string =>
  `v1/blobs/sha512/${digest.slice('sha512-'.length)}`;
export const namespacePath = (namespace: string): string => `v1/namespaces/${namespace}`;
export const tileFile = (tile: TileId): string => `v1/log/${tilePath(tile)}`;
export const namespaceOf = (id: string): string => id.slice(0, id.indexOf('/'));
