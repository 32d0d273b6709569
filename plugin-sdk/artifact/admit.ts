import semver from 'semver';
import { HubError } from '../contract/index.ts';
import { parseLoggedBundle } from './bundle.ts';
import { checkOrigin, checkPermissions } from './policy-checks.ts';
import { mayDrive, originOf, entriesFor, signersFor, type TrustPolicy } from './trust-policy.ts';
import { unboundedKey, type TrustedKey, type TrustedOrigin } from './trust.ts';
import { verifyRelease, type VerifiedRelease } from './verify.ts';

/** An artifact's bytes and the bundle that vouches for them. */
export interface Release {
  readonly artifact: Uint8Array;
  readonly bundle: string;
}

/** The keys that a registry's log holds for a namespace, by hint; only verified ones. */
export type Keyrings = (origin: string, namespace: string) => ReadonlyMap<string, TrustedKey>;

const NO_KEYRINGS: Keyrings = () => new Map();

/**
 * Decides whether a release may be installed or loaded here: signature and digests hold, the policy takes the plugin from
 * there and trusts its publisher, allows its runtime and what it asks for, and it is made for this hub. Throws why not:
 * ARTIFACT_…, SIGNATURE_…, PUBLISHER_…, POLICY_… or PLUGIN_ENGINE_MISMATCH.
 */
export function admit(
  release: Release,
  policy: TrustPolicy,
  hubVersion: string,
  keyrings: Keyrings = NO_KEYRINGS,
): VerifiedRelease {
  const claimed = claimedOrigin(release.bundle);
  const verified = verifyRelease(release.artifact, release.bundle, {
    originsFor: (plugin) => {
      checkOrigin(policy, plugin, claimed);
      return originsFor(policy, plugin, keyrings);
    },
  });
  requireRuntime(verified, policy);
  checkPermissions(policy, verified.manifest);
  requireEngine(verified, hubVersion);
  return verified;
}

/** Where the bundle says it was logged; only the log's key can make that true. Throws SIGNATURE_MALFORMED. */
function claimedOrigin(bundle: string): string {
  const { envelope } = parseLoggedBundle(bundle).receipt.inclusionProof.checkpoint;
  return envelope.slice(0, Math.max(0, envelope.indexOf('\n')));
}

function originsFor(
  policy: TrustPolicy,
  plugin: string,
  keyrings: Keyrings,
): readonly TrustedOrigin[] {
  const { log, registries = [] } = policy;
  const logs = [
    { origin: log.origin, logKey: log.spki },
    ...registries.map(({ origin, logKey }) => ({ origin, logKey })),
  ];
  return logs.map((it) => ({ ...it, keys: keysAt(policy, plugin, it.origin, keyrings) }));
}

function keysAt(
  policy: TrustPolicy,
  plugin: string,
  origin: string,
  keyrings: Keyrings,
): ReadonlyMap<string, TrustedKey> {
  const named = [...signersFor(policy, plugin, origin)];
  const entries = entriesFor(policy, plugin).filter((it) => originOf(policy, it) === origin);
  const ring = entries.some((it) => it.keyring === true)
    ? keyrings(origin, plugin.slice(0, plugin.indexOf('/')))
    : [];
  return new Map([...ring, ...named.map(([hint, spki]) => [hint, unboundedKey(spki)] as const)]);
}

function requireRuntime({ manifest, publisher }: VerifiedRelease, policy: TrustPolicy): void {
  if (manifest.runtime !== 'driver' || mayDrive(policy, manifest.id)) return;
  throw new HubError('PUBLISHER_DRIVER_REFUSED', { plugin: manifest.id, publisher });
}

function requireEngine({ manifest }: VerifiedRelease, hub: string): void {
  if (semver.satisfies(hub, manifest.engine)) return;
  throw new HubError('PLUGIN_ENGINE_MISMATCH', {
    plugin: manifest.id,
    needs: manifest.engine,
    hub,
  });
}
