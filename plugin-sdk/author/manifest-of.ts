import type { CapabilityName, Manifest, NodeType } from '../contract/index.ts';
import { pluginId } from '../contract/index.ts';
import type { AnyNode, PluginDefinition } from './define.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

/** The manifest that a definition stands for; plain JSON, checked by whoever reads it. */
export function manifestOf(definition: PluginDefinition): Manifest {
  const manifest: Manifest = {
    manifestVersion: 1,
    id: pluginId(definition.id),
    version: definition.version,
    title: definition.title,
    description: definition.description,
    license: definition.license ?? 'Apache-2.0',
    engine: definition.engine,
    runtime: definition.runtime,
    entry: 'plugin.js',
    permissions: [...definition.permissions],
    // SAFETY: keys of `provides` are capability names by its type; the manifest schema checks them again.
    provides: Object.keys(definition.provides ?? {}) as CapabilityName[],
    nodes: definition.nodes.map(nodeTypeOf),
  };
  // SAFETY: TypeBox schemas carry symbols; a JSON round trip leaves exactly what a manifest file can hold.
  return JSON.parse(JSON.stringify(manifest)) as Manifest;
}

function nodeTypeOf(node: AnyNode): NodeType {
  const isTrigger = 'listen' in node;
  return {
    type: node.type,
    title: node.title,
    description: node.description ?? '',
    kind: isTrigger ? 'trigger' : 'action',
    effect: isTrigger ? 'external' : node.effect,
    join: isTrigger ? 'all' : (node.join ?? 'all'),
    config: node.config,
    inputs: { ...node.inputs },
    outputs: { ...node.outputs },
    optionalInputs: isTrigger ? [] : [...(node.optionalInputs ?? [])],
    timeoutMs: node.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    uses: [...(node.uses ?? [])],
  };
}
