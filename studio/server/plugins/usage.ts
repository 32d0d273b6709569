import {
  splitNodeType,
  type PluginId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import type { RunReader } from '../store/store.ts';

/** A workflow that uses a plugin, as it last ran here. */
export interface WorkflowUse {
  readonly name: string;
  /** The version it pins; null when it takes the current one. */
  readonly pins: string | null;
  readonly lastRunAt: number;
  readonly document: WorkflowDocument;
}

/** Workflows of stored runs that use a plugin, the last run first. */
export function workflowsUsing(runs: RunReader, plugin: PluginId): readonly WorkflowUse[] {
  return runs
    .workflows()
    .filter(({ document }) => uses(document, plugin))
    .map(({ document, lastRunAt }) => ({
      name: document.name,
      pins: document.plugins?.[plugin]?.version ?? null,
      lastRunAt,
      document,
    }));
}

/** Names of those that use one version; `isCurrent`: it is what a workflow gets that pins none. */
export const namesUsing = (
  runs: RunReader,
  plugin: PluginId,
  { version, isCurrent }: { readonly version: string; readonly isCurrent: boolean },
): readonly string[] =>
  workflowsUsing(runs, plugin)
    .filter(({ pins }) => (pins === null ? isCurrent : pins === version))
    .map(({ name }) => name);

const uses = ({ nodes }: WorkflowDocument, plugin: PluginId): boolean =>
  Object.values(nodes).some(({ type }) => splitNodeType(type).plugin === plugin);
