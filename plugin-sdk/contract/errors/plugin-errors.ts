import { list, REINSTALL, row } from './row.ts';
import type { Problem } from './row.ts';

/** What a plugin is: its manifest, artifact, signature and publisher. */
export const PLUGIN_ERRORS = {
  MANIFEST_INVALID: row<{ readonly problems: readonly Problem[] }>({
    status: 422,
    retryable: false,
    text: (d) => `The manifest is not valid: ${list(d.problems)}`,
    cure: 'Mend each named field and pack again.',
  }),
  ARTIFACT_MALFORMED: row<{ readonly rule: string; readonly detail: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The artifact breaks the rule “${d.rule}”: ${d.detail}`,
    cure: REINSTALL,
  }),
  ARTIFACT_DIGEST_MISMATCH: row<{
    readonly plugin: string;
    readonly expected: string;
    readonly actual: string;
  }>({
    status: 422,
    retryable: false,
    text: (d) =>
      `The artifact of ${d.plugin} is not the one its publisher signed (signed ${d.expected.slice(0, 23)}…, got ${d.actual.slice(0, 23)}…)`,
    cure: REINSTALL,
  }),
  ARTIFACT_FILE_MISMATCH: row<{ readonly plugin: string; readonly file: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The file ${d.file} of ${d.plugin} is not the one its publisher signed`,
    cure: 'Remove the plugin and install it again; look for whoever changed the file.',
  }),
  ARTIFACT_MANIFEST_MISMATCH: row<{ readonly plugin: string; readonly detail: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The manifest of ${d.plugin} is not the one its publisher signed: ${d.detail}`,
    cure: REINSTALL,
  }),
  ARTIFACT_BUILD_FAILED: row<{ readonly problems: readonly Problem[] }>({
    status: 422,
    retryable: false,
    text: (d) => `The plugin does not build: ${list(d.problems)}`,
    cure: 'Mend each named place and try again.',
  }),
  ARTIFACT_NOT_FOUND: row<{ readonly source: string }>({
    status: 404,
    retryable: false,
    text: (d) => `There is no artifact at ${d.source}`,
    cure: 'Give the path of a .tgz with its .bundle.json beside it, or the id of a built-in plugin such as core/flow.',
  }),
  SIGNATURE_MALFORMED: row<{ readonly detail: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The bundle is not a Sigstore bundle this hub accepts: ${d.detail}`,
    cure: REINSTALL,
  }),
  SIGNATURE_INVALID: row<{ readonly plugin: string; readonly detail: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The signature on ${d.plugin} does not hold: ${d.detail}`,
    cure: REINSTALL,
  }),
  SIGNATURE_SUBJECT_MISMATCH: row<{ readonly expected: string; readonly actual: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The bundle speaks of ${d.actual}, not of ${d.expected}`,
    cure: 'Use the bundle that was made for this very version.',
  }),
  PUBLISHER_UNTRUSTED: row<{ readonly plugin: string; readonly key: string }>({
    status: 403,
    retryable: false,
    text: (d) => `The trust policy names no key “${d.key}” for ${d.plugin}`,
    cure: 'If you trust this publisher, add its key for this namespace to trust-policy.json.',
  }),
  PUBLISHER_KEY_REVOKED: row<{ readonly plugin: string; readonly key: string }>({
    status: 403,
    retryable: false,
    text: (d) => `The key “${d.key}” was revoked before ${d.plugin} was logged`,
    cure: 'Install a version that its publisher signed with a current key.',
  }),
  PUBLISHER_KEY_EXPIRED: row<{ readonly plugin: string; readonly key: string }>({
    status: 403,
    retryable: false,
    text: (d) => `The key “${d.key}” had expired when ${d.plugin} was logged`,
    cure: 'Install a version that its publisher signed with a current key.',
  }),
  PUBLISHER_KEY_NOT_YET_VALID: row<{ readonly plugin: string; readonly key: string }>({
    status: 403,
    retryable: false,
    text: (d) => `The key “${d.key}” was not valid yet when ${d.plugin} was logged`,
    cure: 'Wait until the key’s cool-down is over; the version must then be published again.',
  }),
  PUBLISHER_KEY_UNENDORSED: row<{
    readonly namespace: string;
    readonly key: string;
    readonly detail: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) => `The key “${d.key}” is not one of ${d.namespace}: ${d.detail}`,
    cure: 'Have the change signed by a current key and by the recovery key of the namespace.',
  }),
  PUBLISHER_IDENTITY_MISMATCH: row<{ readonly plugin: string; readonly detail: string }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} was signed by another identity than it should be: ${d.detail}`,
    cure: 'If you trust this identity, add it for this namespace to trust-policy.json.',
  }),
  SIGNATURE_TOO_FEW: row<{ readonly plugin: string; readonly got: number; readonly need: number }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} has ${String(d.got)} of ${String(d.need)} signatures it needs`,
    cure: 'Have it reviewed and countersigned, then try again.',
  }),
  SIGNATURE_CERTIFICATE_REFUSED: row<{ readonly detail: string }>({
    status: 502,
    retryable: true,
    text: (d) => `No signing certificate was given: ${d.detail}`,
    cure: 'See that the CI job may ask for an ID token, and that the address of the authority is right.',
  }),
  PUBLISHER_KEY_MISSING: row<{ readonly key: string }>({
    status: 404,
    retryable: false,
    text: (d) => `There is no signing key ${d.key}`,
    cure: 'See hub-plugin keys list; make one with: hub-plugin keys new <namespace>',
  }),
  PUBLISHER_KEY_UNSAFE: row<{ readonly file: string }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.file} holds a secret and others than its owner may read it`,
    cure: 'If nobody has: chmod 600 on that file. Else make a new one and have the old one revoked.',
  }),
  PUBLISHER_DRIVER_REFUSED: row<{ readonly plugin: string; readonly publisher: string }>({
    status: 403,
    retryable: false,
    text: (d) =>
      `${d.plugin} wants the driver runtime, which the trust policy does not allow ${d.publisher}`,
    cure: 'Add the plugin to “drivers” in trust-policy.json only if you trust it like the hub itself.',
  }),
  PLUGIN_NOT_INSTALLED: row<{ readonly plugin: string }>({
    status: 404,
    retryable: false,
    text: (d) => `The plugin ${d.plugin} is not installed`,
    cure: 'Install it with: hub plugins install <id or path>',
  }),
  PLUGIN_QUARANTINED: row<{ readonly plugin: string; readonly reason: string }>({
    status: 409,
    retryable: false,
    text: (d) => `${d.plugin} is in quarantine: ${d.reason}`,
    cure: 'Read its log; to try again, remove it and install it again.',
  }),
  PLUGIN_REVOKED: row<{
    readonly plugin: string;
    readonly version: string;
    readonly reason: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} ${d.version} was revoked by its registry: ${d.reason}`,
    cure: 'Install another version: hub plugins update <id>, or hub plugins rollback <id>; hub plugins why <id> names the workflows.',
  }),
  PLUGIN_VERSION_NOT_FOUND: row<{ readonly plugin: string; readonly wanted: string }>({
    status: 404,
    retryable: false,
    text: (d) => `There is no version of ${d.plugin} that is ${d.wanted}`,
    cure: 'See the versions with: hub plugins info <id>',
  }),
  PLUGIN_UNSIGNED_REFUSED: row<{ readonly plugin: string; readonly reason: string }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} is not signed and is refused: ${d.reason}`,
    cure: 'Start the hub with --dev and allow the id under “unsigned” in trust-policy.json; else sign it.',
  }),
  PLUGIN_ENGINE_MISMATCH: row<{
    readonly plugin: string;
    readonly needs: string;
    readonly hub: string;
  }>({
    status: 422,
    retryable: false,
    text: (d) => `${d.plugin} needs hub ${d.needs}; this is ${d.hub}`,
    cure: 'Install a version of the plugin made for this hub, or update the hub.',
  }),
} as const;
