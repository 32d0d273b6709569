import {
  HubError,
  capabilityText,
  covers,
  type Manifest,
  type PluginId,
} from '../contract/index.ts';
import {
  entriesFor,
  originOf,
  type PolicyNamespace,
  type Requirement,
  type TrustPolicy,
} from './trust-policy.ts';
import type { VerifiedRelease } from './verify.ts';

const HOUR_MS = 3_600_000;

/** Throws POLICY_NAMESPACE_EXCLUSIVE or POLICY_ORIGIN_REFUSED unless the policy takes `plugin` from `origin`. */
export function checkOrigin(policy: TrustPolicy, plugin: string, origin: string): void {
  const entries = entriesFor(policy, plugin);
  const only = entries.find((it) => it.exclusive === true && originOf(policy, it) !== origin);
  if (only !== undefined)
    throw new HubError('POLICY_NAMESPACE_EXCLUSIVE', {
      plugin,
      origin: origin.slice(0, 253),
      entry: entryName(policy, only),
    });
  const isRegistry = policy.registries?.some((it) => it.origin === origin) ?? false;
  if (!isRegistry || entries.some((it) => originOf(policy, it) === origin)) return;
  throw new HubError('POLICY_ORIGIN_REFUSED', { plugin, origin });
}

/** Throws POLICY_CAPABILITY_DENIED, POLICY_HOST_DENIED or POLICY_REASON_MISSING for the first permission nobody may have. */
export function checkPermissions({ permissions = {} }: TrustPolicy, manifest: Manifest): void {
  const { deny = [], requireReason = false } = permissions;
  for (const asked of manifest.permissions) {
    const about = { plugin: manifest.id, need: capabilityText(asked) };
    if (deny.includes(asked.capability))
      throw new HubError('POLICY_CAPABILITY_DENIED', { ...about, entry: 'permissions.deny' });
    if (asked.capability === 'net.http' && isHostDenied({ permissions }, asked.target))
      throw new HubError('POLICY_HOST_DENIED', { ...about, entry: 'permissions.denyHosts' });
    if (requireReason && asked.reason.trim() === '')
      throw new HubError('POLICY_REASON_MISSING', { ...about, entry: 'permissions.requireReason' });
  }
}

/** True when the policy lets nobody reach a host, whatever the port and with or without encryption. `target`: of net.http. */
export function isHostDenied(
  { permissions }: Pick<TrustPolicy, 'permissions'>,
  target: string,
): boolean {
  const capability = 'net.http';
  const host = target.replace(/^http:\/\//u, '').replace(/:[0-9]+$/u, '');
  return (permissions?.denyHosts ?? []).some((denied) =>
    covers({ capability, target: denied }, { capability, target: host }),
  );
}

/** Throws POLICY_RELEASE_TOO_YOUNG unless a release that is new here has been out as long as the policy wants. */
export function checkAge(policy: TrustPolicy, release: VerifiedRelease, now: number): void {
  const index = policy.registries?.findIndex((it) => it.origin === release.origin) ?? -1;
  const minHours = policy.registries?.[index]?.minReleaseAgeHours ?? 0;
  const ageHours = (now - release.loggedAt) / HOUR_MS;
  if (ageHours >= minHours) return;
  throw new HubError('POLICY_RELEASE_TOO_YOUNG', {
    plugin: release.manifest.id,
    ageHours: Math.max(0, Math.floor(ageHours * 10) / 10),
    minHours,
    entry: `registries/${String(index)}/minReleaseAgeHours`,
  });
}

/** What must vouch for a plugin of an origin besides its publisher, and whose keys may do so. */
export function requirementsOf(
  policy: TrustPolicy,
  plugin: PluginId,
  origin: string,
): readonly {
  readonly need: Requirement;
  readonly approvers: readonly string[];
  readonly entry: string;
}[] {
  return entriesFor(policy, plugin)
    .filter((it) => originOf(policy, it) === origin)
    .flatMap((it) =>
      (it.require ?? []).map((need) => ({
        need,
        approvers: it.approvers ?? [],
        entry: entryName(policy, it),
      })),
    );
}

const entryName = ({ namespaces }: TrustPolicy, entry: PolicyNamespace): string =>
  `namespaces/${String(namespaces.indexOf(entry))} (${entry.match})`;
