export { exportMirror } from './export.ts';
export { importArchive, type ImportReport } from './import.ts';
export { bringUpToDate, servedFolder, servedTree, type LookOptions } from './mirror.ts';
export { Mirrors } from './mirrors.ts';
export { mirrorRoutes } from './routes.ts';
export { keyOf, type SyncReport } from './sync.ts';
export { folderTree } from './tree.ts';
export {
  TAKE_ALL,
  allUplinks,
  mirrorFolder,
  readUplink,
  writeUplink,
  type Filters,
  type Uplink,
} from './uplink.ts';
