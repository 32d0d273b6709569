export { createRegistry, type Registry, type RegistryOptions } from './registry.ts';
export { serveRegistry, type Door, type ServeOptions } from './serve.ts';
