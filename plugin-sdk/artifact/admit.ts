import semver from 'semver';
import { HubError } from '../contract/index.ts';
import { mayDrive, signersFor, type TrustPolicy } from './trust-policy.ts';
import { verifyRelease, type VerifiedRelease } from './verify.ts';

/** An artifact's bytes and the bundle that vouches for them. */
export interface Release {
  readonly artifact: Uint8Array;
  readonly bundle: string;
}

/**
 * Decides whether a release may be installed or loaded here: signature and digests hold, the policy trusts the
 * publisher for this plugin, its runtime is allowed to it, and it is made for this hub. Throws the reason why not.
 */
export function admit(release: Release, policy: TrustPolicy, hubVersion: string): VerifiedRelease {
  const verified = verifyRelease(release.artifact, release.bundle, {
    keysFor: (plugin) => signersFor(policy, plugin),
    log: policy.log,
  });
  requireRuntime(verified, policy);
  requireEngine(verified, hubVersion);
  return verified;
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
