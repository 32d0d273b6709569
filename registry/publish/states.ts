import { eventLeaf } from '@runtime-hub/plugin-sdk/artifact';
import { HubError, type VersionState } from '@runtime-hub/plugin-sdk/contract';
import { loggedName, type NamespaceParts } from '../namespaces/index.ts';
import type { NamespaceRow, VersionRow } from '../store/index.ts';

/** Where a version may go from a state. What is revoked stays so. */
const NEXT: Readonly<Record<VersionState, readonly VersionState[]>> = {
  staged: ['quarantined', 'active'],
  quarantined: ['active', 'yanked', 'revoked'],
  active: ['deprecated', 'yanked', 'revoked'],
  deprecated: ['active', 'yanked', 'revoked'],
  yanked: ['active', 'revoked'],
  revoked: [],
};

export interface Move {
  readonly to: VersionState;
  readonly actor: string;
  readonly reason: string;
}

/** Logs a version's change of state; the leaf's index. Throws REGISTRY_STATE_CONFLICT. Only inside a transaction. */
export function moveVersion(
  { store, log, clock }: NamespaceParts,
  namespace: NamespaceRow,
  row: Pick<VersionRow, 'key' | 'plugin' | 'version' | 'digest' | 'state'>,
  { to, actor, reason }: Move,
): number {
  const { plugin, version, digest, state: from } = row;
  if (!NEXT[from].includes(to))
    throw new HubError('REGISTRY_STATE_CONFLICT', { plugin, version, from, to });
  const leaf = eventLeaf({
    event: 'state',
    plugin: loggedName(namespace, plugin),
    version,
    digest,
    from,
    to,
    actor,
    // It may tell what is private; readers of the namespace get it with the version.
    reason: loggedName(namespace, reason),
    at: clock.now(),
  });
  const index = log.append(leaf, { revokes: to === 'revoked' });
  store.versions.setState(row.key, to, to === 'active' ? null : reason);
  return index;
}
