export type { Asked } from './asked.ts';
export { identify } from './identity.ts';
export { folderMemory, shortMemory, type Memory } from './folder.ts';
export {
  RegistryClient,
  concealedName,
  type RegistryClientPorts,
  type SearchQuery,
} from './registry-client.ts';
export { StaticExchange, fileFor, type ReadFile } from './static-exchange.ts';
