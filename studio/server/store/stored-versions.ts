import type { InstalledPlugin } from '@runtime-hub/kernel';
import {
  admit,
  type Keyrings,
  type Release,
  type TrustPolicy,
  type VerifiedRelease,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError, type PluginId } from '@runtime-hub/plugin-sdk/contract';
import {
  checkUnpacked,
  filesOf,
  readRelease,
  removeVersion,
  versionFolder,
  writeVersion,
} from './plugin-files.ts';
import { revokedError, type PluginRecords } from './plugin-records.ts';

/** A version that was verified in this life of the hub, and where it came from. */
export interface StoredVersion extends InstalledPlugin {
  readonly origin: string;
  /** Hint of the key that signed. */
  readonly key: string;
  /** Its leaf in the log of `origin`. */
  readonly logIndex: number;
  /** Milliseconds since 1970, by that log's clock. */
  readonly loggedAt: number;
  /** Loaded by a developer, without a signature, for as long as the hub runs. */
  readonly unsigned: boolean;
}

export interface VersionPorts {
  readonly home: string;
  readonly hubVersion: string;
  readonly keyrings?: Keyrings;
  readonly records: PluginRecords;
  readonly policy: () => TrustPolicy;
  /** Why the log of an origin says that an artifact is revoked; null while it does not. */
  readonly revocationOf?: ((origin: string, digest: string) => string | null) | undefined;
  /** By what name a key of a registry's keyring is the publisher's; the key's own when left out. */
  readonly lineOf?: ((origin: string, plugin: PluginId, hint: string) => string) | undefined;
}

/** Every verified version of every plugin on the disk. */
export class StoredVersions {
  readonly #ports: VersionPorts;
  readonly #known = new Map<PluginId, Map<string, StoredVersion>>();

  constructor(ports: VersionPorts) {
    this.#ports = ports;
  }

  get(id: PluginId, version: string): StoredVersion | null {
    return this.#known.get(id)?.get(version) ?? null;
  }

  find(id: PluginId, digest: string): StoredVersion | null {
    return this.all(id).find((it) => it.digest === digest) ?? null;
  }

  all(id: PluginId): readonly StoredVersion[] {
    return [...(this.#known.get(id)?.values() ?? [])];
  }

  /** Verifies a release as the policy is now; throws why it may not be here. */
  check(release: Release): VerifiedRelease {
    const { hubVersion, keyrings, records } = this.#ports;
    const verified = admit(release, this.#ports.policy(), hubVersion, keyrings);
    const { digest, origin, manifest } = verified;
    const { id: plugin, version } = manifest;
    const revoked = records.revocationOf(digest);
    if (revoked !== null) throw revokedError(revoked);
    const reason = this.#ports.revocationOf?.(origin, digest) ?? null;
    if (reason !== null) throw new HubError('PLUGIN_REVOKED', { plugin, version, reason });
    return verified;
  }

  /** Who is behind a release. A name is its origin's: the same elsewhere is somebody else, who has no part in what was granted. */
  publisherOf({ manifest, origin, publisher }: VerifiedRelease): string {
    if (origin === this.#ports.policy().log.origin) return publisher;
    return `${this.#ports.lineOf?.(origin, manifest.id, publisher) ?? publisher}@${origin}`;
  }

  /** Verifies and stores a release; another artifact of the same version goes. */
  async write(release: Release): Promise<StoredVersion> {
    const { home, records } = this.#ports;
    const verified = this.check(release);
    const { digest, manifest } = verified;
    const { id, version } = manifest;
    const stored = this.#keep(verified, await writeVersion(home, release, verified));
    const { versions } = records.get(id);
    const replaced = versions.filter((it) => it.version === version && it.digest !== digest);
    const others = versions.filter((it) => it.version !== version);
    records.set(id, { versions: [{ digest, version }, ...others] });
    for (const it of replaced) await removeVersion(home, it.digest);
    return stored;
  }

  /** Reads and verifies what lies on the disk; throws why it is not to be believed. */
  async read(digest: string, id?: PluginId): Promise<StoredVersion> {
    const folder = versionFolder(this.#ports.home, digest);
    const verified = this.check(await readRelease(folder));
    const plugin = verified.manifest.id;
    if (id !== undefined && plugin !== id)
      throw new HubError('ARTIFACT_MANIFEST_MISMATCH', {
        plugin: id,
        detail: 'it is another plugin',
      });
    if (verified.digest !== digest) {
      const actual = verified.digest;
      throw new HubError('ARTIFACT_DIGEST_MISMATCH', { plugin, expected: digest, actual });
    }
    checkUnpacked(folder, verified);
    return this.#keep(verified, folder);
  }

  /** Stops offering a version, or all of a plugin. */
  forget(id: PluginId, version?: string): void {
    if (version === undefined) this.#known.delete(id);
    else this.#known.get(id)?.delete(version);
  }

  #keep(verified: VerifiedRelease, folder: string): StoredVersion {
    const { manifest, digest, origin, logIndex, loggedAt, publisher: key } = verified;
    const from = { origin, key, logIndex, loggedAt, unsigned: false };
    const publisher = this.publisherOf(verified);
    const stored = { manifest, digest, publisher, folder: filesOf(folder), ...from };
    const { id, version } = manifest;
    const versions = this.#known.get(id) ?? new Map<string, StoredVersion>();
    this.#known.set(id, versions.set(version, stored));
    return stored;
  }
}
