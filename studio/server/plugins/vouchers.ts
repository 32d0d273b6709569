import {
  keysBy,
  requireApprovals,
  requirementsOf,
  unboundedKey,
  type ReleaseTrust,
  type TrustPolicy,
  type VerifiedRelease,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { RegistryClient } from '@runtime-hub/registry/client';

/** Throws POLICY_ATTESTATION_MISSING unless everybody vouches for a release whom the policy wants to. */
export async function requireVouchers(
  policy: TrustPolicy,
  { manifest, digest, origin }: VerifiedRelease,
  client: RegistryClient,
): Promise<void> {
  const { id, version } = manifest;
  const wanted = requirementsOf(policy, id, origin);
  if (wanted.length === 0) return;
  const bundles = await client.attestations({ id, version });
  for (const { need: kind, approvers, entry } of wanted) {
    const trust = approversAs(policy, approvers);
    try {
      requireApprovals(bundles, { kind, subject: { id, version, digest }, need: 1 }, trust);
    } catch (error) {
      if (!HubError.is(error, 'SIGNATURE_TOO_FEW')) throw error;
      throw new HubError('POLICY_ATTESTATION_MISSING', { plugin: id, need: kind, entry });
    }
  }
}

/** Approvers may have been taken down by any log the policy knows: a mirror logs those of its own people itself. */
function approversAs(policy: TrustPolicy, approvers: readonly string[]): ReleaseTrust {
  const { log, registries = [] } = policy;
  const named = [...keysBy(policy, approvers)];
  const keys = new Map(named.map(([hint, spki]) => [hint, unboundedKey(spki)]));
  const logs = [{ origin: log.origin, logKey: log.spki }, ...registries];
  return { originsFor: () => logs.map(({ origin, logKey }) => ({ origin, logKey, keys })) };
}
