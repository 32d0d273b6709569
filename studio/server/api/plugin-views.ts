import { validateWorkflow, type PluginSource } from '@runtime-hub/kernel';
import { entriesFor } from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  inWords,
  type Grant,
  type PluginId,
  type Problem,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import type { Hub } from '../hub.ts';
import type { StoredVersion } from '../store/stored-versions.ts';
import { findVersion } from '../plugins/find-version.ts';
import { decideUpdate, type UpdateDecision } from '../plugins/update-decision.ts';
import { workflowsUsing } from '../plugins/usage.ts';

/** What the API tells of an installed version. */
export function pluginView({ plugins }: Pick<Hub, 'plugins'>, installed: StoredVersion) {
  const { folder: _ours, ...plugin } = installed;
  const { id } = installed.manifest;
  const { pinned } = plugins.record(id);
  const versions = plugins.versions(id).map(({ manifest }) => manifest.version);
  return { ...plugin, pinned, held: heldView({ plugins }, id), versions };
}

/** What waits for a person, and why; null when nothing does. */
function heldView(
  { plugins }: Pick<Hub, 'plugins'>,
  id: PluginId,
): (UpdateDecision & { readonly version: string }) | null {
  const { held, pinned } = plugins.record(id);
  const waiting = plugins.versions(id).find((it) => it.digest === held);
  if (waiting === undefined) return null;
  const decision = decideUpdate(plugins.get(id), waiting, { pinned });
  return { version: waiting.manifest.version, ...decision };
}

/** Why a plugin is here as it is: who signed it, by which entry of the policy, what it may do and by whose word, who uses it. */
export function whyView(hub: Hub, id: PluginId) {
  const { plugins, broker, store, activations } = hub;
  const record = plugins.record(id);
  const current = plugins.get(id);
  if (current === null && record.versions.length === 0)
    throw new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
  return {
    id,
    installed: current === null ? null : pluginView(hub, current),
    refused: plugins.refused().find((it) => it.id === id)?.error ?? null,
    revoked: record.versions.flatMap(({ digest }) => plugins.revocationOf(digest) ?? []),
    entries: entriesFor(plugins.policy, id),
    permissions: broker.list().flatMap((it) => (it.plugin === id ? permissionView(it) : [])),
    workflows: workflowsUsing(store.runs, id).map(({ name, pins, lastRunAt }) => {
      return { name, pins, lastRunAt, waitsForTrigger: activations.has(name) };
    }),
  };
}

const permissionView = (grant: Grant) => ({
  words: inWords(grant.permission),
  status: grant.status,
  publisher: grant.publisher,
  by: 'by' in grant ? grant.by : null,
  until: 'until' in grant ? grant.until : null,
});

/** What another version would change, before it is taken: permissions, and every workflow that ran here. */
export async function previewView(hub: Hub, id: PluginId, range: string) {
  const { plugins, installer, registries, store } = hub;
  const current = plugins.get(id);
  const offer = await findVersion(registries, id, range);
  const verified = plugins.check(await installer.fetch(offer));
  const { manifest } = verified;
  const candidate = { manifest, publisher: plugins.publisherOf(verified) };
  const { pinned } = plugins.record(id);
  const decision = decideUpdate(current, candidate, { pinned });
  const { digest } = verified;
  const shown = { ...candidate, digest, folder: '' };
  const source: PluginSource = {
    get: (plugin, version) =>
      plugin === id && (version === undefined || version === manifest.version)
        ? shown
        : plugins.get(plugin, version),
    list: () => plugins.list().map((it) => (it.manifest.id === id ? shown : it)),
  };
  const workflows = workflowsUsing(store.runs, id).map(({ name, pins, document }) => {
    return { name, pins, problems: pins === null ? newProblems(document, plugins, source) : [] };
  });
  return {
    id,
    from: current?.manifest.version ?? null,
    to: manifest.version,
    ...decision,
    workflows,
  };
}

/** Problems that a workflow does not have now. */
function newProblems(
  document: WorkflowDocument,
  now: PluginSource,
  then: PluginSource,
): readonly Problem[] {
  const known = new Set(validateWorkflow(document, now).map((it) => `${it.at} ${it.message}`));
  return validateWorkflow(document, then).filter((it) => !known.has(`${it.at} ${it.message}`));
}

/** The workflow with the exact version and digest of every plugin it uses: what runs is then always these very bytes. */
export function lockWorkflow(
  { plugins }: Pick<Hub, 'plugins'>,
  document: WorkflowDocument,
): WorkflowDocument {
  const ids = new Set(Object.values(document.nodes).map(({ type }) => type.split(':')[0] ?? ''));
  const pins = [...ids].toSorted().map((text) => {
    // SAFETY: the schema of a workflow has checked the form of its node types.
    const id = text as PluginId;
    const found = plugins.get(id, document.plugins?.[id]?.version);
    if (found === null) throw new HubError('PLUGIN_NOT_INSTALLED', { plugin: id });
    return [id, { version: found.manifest.version, digest: found.digest }] as const;
  });
  return { ...document, plugins: Object.fromEntries(pins) };
}
