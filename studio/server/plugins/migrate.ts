import { validateWorkflow, type HostPool } from '@runtime-hub/kernel';
import {
  DEFAULT_WORKSPACE,
  HubError,
  errorOf,
  migrationType,
  runId,
  splitNodeType,
  type JsonObject,
  type PluginId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import type { PluginStore } from '../store/plugin-store.ts';

const NODE = 'migrate';
const DEADLINE_MS = 2000;

export interface MigrationPorts {
  readonly plugins: PluginStore;
  readonly pool: HostPool;
}

/**
 * Moves a locked workflow from the versions it pins to the current ones: each config goes through its node's `migrate`,
 * in a jail, and the result must be valid. Throws WORKFLOW_INVALID, PLUGIN_NOT_INSTALLED, HOST_… and STEP_….
 */
export async function migrateWorkflow(
  ports: MigrationPorts,
  document: WorkflowDocument,
): Promise<WorkflowDocument> {
  const nodes = { ...document.nodes };
  const plugins = { ...document.plugins };
  for (const [name, node] of Object.entries(nodes)) {
    const { plugin } = splitNodeType(node.type);
    const from = document.plugins?.[plugin]?.version;
    const current = currentOf(ports, plugin);
    if (from === undefined || from === current.manifest.version) continue;
    plugins[plugin] = { version: current.manifest.version, digest: current.digest };
    if (current.manifest.runtime === 'python') continue;
    const config = await migrated(ports, node.type, node.config ?? {}, from);
    nodes[name] = { ...node, config };
  }
  const moved = { ...document, nodes, plugins };
  const problems = validateWorkflow(moved, ports.plugins);
  if (problems.length > 0) throw new HubError('WORKFLOW_INVALID', { problems });
  return moved;
}

async function migrated(
  { pool }: MigrationPorts,
  type: string,
  config: JsonObject,
  from: string,
): Promise<JsonObject> {
  const step = { node: NODE, type: migrationType(type), links: {} };
  const request = {
    ...{ run: runId('migration'), workflow: NODE, workspace: DEFAULT_WORKSPACE },
    ...{ plugin: splitNodeType(type).plugin, values: {}, deadlineMs: DEADLINE_MS },
    steps: [{ ...step, config: {}, inputs: { config, from } }],
  };
  const [report] = await pool.run(request, AbortSignal.timeout(DEADLINE_MS));
  if (report?.ok === false) throw errorOf(report.error);
  // SAFETY: the outputs of a migration were checked to hold a config that is an object.
  return (report?.outputs['config'] ?? config) as JsonObject;
}

function currentOf({ plugins }: MigrationPorts, plugin: PluginId) {
  const current = plugins.get(plugin);
  if (current === null) throw new HubError('PLUGIN_NOT_INSTALLED', { plugin });
  return current;
}
