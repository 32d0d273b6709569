import type { Finding } from '../registry.ts';
import { DISTRUST, row } from './row.ts';

/** Registries, what is published there, and their tokens. */
export const REGISTRY_ERRORS = {
  REGISTRY_UNREACHABLE: row<{ readonly registry: string; readonly detail: string }>({
    status: 502,
    retryable: true,
    text: (d) => `The registry ${d.registry} cannot be reached: ${d.detail}`,
    cure: 'What is installed goes on working; look at the network, then try again.',
  }),
  REGISTRY_UNKNOWN: row<{ readonly registry: string }>({
    status: 404,
    retryable: false,
    text: (d) => `This hub knows no registry ${d.registry}`,
    cure: 'See hub registries list; add one with: hub registries add <url>',
  }),
  REGISTRY_RESPONSE_INVALID: row<{ readonly registry: string; readonly detail: string }>({
    status: 502,
    retryable: false,
    text: (d) => `The registry ${d.registry} gave an answer that is not believed: ${d.detail}`,
    cure: 'Nothing was changed; tell whoever runs the registry.',
  }),
  REGISTRY_METADATA_EXPIRED: row<{ readonly registry: string; readonly detail: string }>({
    status: 502,
    retryable: true,
    text: (d) => `The root of trust of ${d.registry} was not renewed in time: ${d.detail}`,
    cure: 'Somebody may hold news back. What is installed goes on; nothing new is installed from there.',
  }),
  REGISTRY_METADATA_REFUSED: row<{ readonly registry: string; readonly detail: string }>({
    status: 502,
    retryable: false,
    text: (d) => `The root of trust of ${d.registry} does not hold: ${d.detail}`,
    cure: DISTRUST,
  }),
  REGISTRY_IDENTITY_MISMATCH: row<{ readonly registry: string; readonly detail: string }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.registry} is not the registry it is expected to be: ${d.detail}`,
    cure: 'Compare the fingerprint with whoever runs the registry; only then remove it and add it again.',
  }),
  REGISTRY_BUSY: row<Record<never, never>>({
    status: 409,
    retryable: true,
    text: () => 'Another registry is using this data folder',
    cure: 'Stop it, or choose another folder with --data.',
  }),
  REGISTRY_DATA_NEWER: row<{ readonly version: number }>({
    status: 409,
    retryable: false,
    text: (d) => `A newer registry wrote this data folder (version ${String(d.version)})`,
    cure: 'Start that registry, or restore a backup this one wrote.',
  }),
  REGISTRY_ORIGIN_CHANGED: row<{ readonly known: string; readonly given: string }>({
    status: 409,
    retryable: false,
    text: (d) => `This data folder is the registry ${d.known}, not ${d.given}`,
    cure: 'Leave --origin out, or start a registry of that name in a folder of its own.',
  }),
  REGISTRY_NOT_FOUND: row<{ readonly what: string }>({
    status: 404,
    retryable: false,
    text: (d) => `The registry has no such ${d.what}`,
    cure: 'Check the name; if it is private, send a token that may read it.',
  }),
  REGISTRY_REQUEST_INVALID: row<{ readonly field: string; readonly problem: string }>({
    status: 400,
    retryable: false,
    text: (d) => `The request does not fit at ${d.field}: ${d.problem}`,
    cure: 'Send what /v1/openapi.json describes.',
  }),
  REGISTRY_BODY_TOO_LARGE: row<{ readonly maxBytes: number }>({
    status: 413,
    retryable: false,
    text: (d) => `The body is over ${String(d.maxBytes)} bytes`,
    cure: 'Send less; GET /v1/ names the limits.',
  }),
  REGISTRY_ENCODING_REFUSED: row<{ readonly header: string }>({
    status: 415,
    retryable: false,
    text: (d) => `The registry does not take this ${d.header}`,
    cure: 'Send the body as it is, with the type /v1/openapi.json names.',
  }),
  REGISTRY_RATE_EXCEEDED: row<{ readonly retryAfterMs: number }>({
    status: 429,
    retryable: true,
    text: (d) => `Too many requests; the next is taken in ${String(d.retryAfterMs)} ms`,
    cure: 'Wait as long as Retry-After says.',
  }),
  REGISTRY_READ_ONLY: row<Record<never, never>>({
    status: 503,
    retryable: true,
    text: () => 'The registry takes no changes at present',
    cure: 'Its admin set it to read-only; ask them, or try again later.',
  }),
  REGISTRY_VERSION_EXISTS: row<{ readonly plugin: string; readonly version: string }>({
    status: 409,
    retryable: false,
    text: (d) =>
      `${d.plugin} ${d.version} was published before; a version number is never used again`,
    cure: 'Raise the version and publish again.',
  }),
  REGISTRY_VERSION_WITHDRAWN: row<{ readonly plugin: string; readonly version: string }>({
    status: 410,
    retryable: false,
    text: (d) => `${d.plugin} ${d.version} is revoked; the registry no longer hands it out`,
    cure: 'Use another version.',
  }),
  REGISTRY_STATE_CONFLICT: row<{
    readonly plugin: string;
    readonly version: string;
    readonly from: string;
    readonly to: string;
  }>({
    status: 409,
    retryable: false,
    text: (d) => `${d.plugin} ${d.version} is ${d.from} and cannot become ${d.to}`,
    cure: 'Read its present state first.',
  }),
  REGISTRY_NAMESPACE_REFUSED: row<{ readonly namespace: string; readonly reason: string }>({
    status: 409,
    retryable: false,
    text: (d) => `The namespace ${d.namespace} was refused: ${d.reason}`,
    cure: 'Choose a name that nobody can take for another.',
  }),
  REGISTRY_KEY_REFUSED: row<{ readonly namespace: string; readonly reason: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The change to the keys of ${d.namespace} was refused: ${d.reason}`,
    cure: 'Sign the change with a key of the namespace and its recovery key, or ask the registry’s admin.',
  }),
  REGISTRY_BACKUP_REFUSED: row<{ readonly reason: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The backup was not restored: ${d.reason}`,
    cure: 'Give a whole backup and a data folder that is empty or not there yet.',
  }),
  REGISTRY_ARCHIVE_MALFORMED: row<{ readonly rule: string; readonly detail: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The export breaks the rule “${d.rule}”: ${d.detail}`,
    cure: 'Nothing of it was taken; make the export again, and carry it over whole.',
  }),
  REGISTRY_ARCHIVE_ALTERED: row<{ readonly file: string }>({
    status: 422,
    retryable: false,
    text: (d) => `${d.file} is not what was exported`,
    cure: 'Nothing of it was taken; somebody or a broken disk changed it. Make the export again.',
  }),
  REGISTRY_ARCHIVE_GAP: row<{
    readonly origin: string;
    readonly have: number;
    readonly since: number;
  }>({
    status: 409,
    retryable: false,
    text: (d) =>
      `The export of ${d.origin} continues from entry ${String(d.since)} of its log; here it is known up to ${String(d.have)}`,
    cure: 'Import the exports before it first, or make one with a smaller --since.',
  }),
  REGISTRY_KEPT_BACK: row<{
    readonly plugin: string;
    readonly origin: string;
    readonly rule: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) =>
      `This mirror of ${d.origin} does not hand on ${d.plugin}: its rule “${d.rule}” says so`,
    cure: 'Ask whoever runs the mirror; its filters are in uplink.json.',
  }),
  REGISTRY_FAILED: row<Record<never, never>>({
    status: 500,
    retryable: true,
    text: () => 'The registry made a mistake; its log says more',
    cure: 'Tell the registry’s admin when it happened.',
  }),
  /** Their ids, and where they are broken. */
  PUBLISH_RULES_BROKEN: row<{
    readonly plugin: string;
    /** Their ids, and where they are broken. */
    readonly rules: string;
    readonly findings: readonly Finding[];
  }>({
    status: 422,
    retryable: false,
    text: (d) => `${d.plugin} breaks rules of this registry: ${d.rules}`,
    cure: 'Mend each; hub-plugin check finds the same before you publish.',
  }),
  PUBLISH_KEY_REUSED: row<Record<never, never>>({
    status: 422,
    retryable: false,
    text: () => 'This Idempotency-Key was used for another request',
    cure: 'Make a new key for each new request.',
  }),
  TOKEN_MISSING: row<Record<never, never>>({
    status: 401,
    retryable: false,
    text: () => 'This needs a token',
    cure: 'Set HUB_TOKEN, or sign in with: hub-plugin login',
  }),
  TOKEN_INVALID: row<Record<never, never>>({
    status: 401,
    retryable: false,
    text: () => 'The token is unknown, ended or expired',
    cure: 'Ask the registry’s admin for a new one, or sign in again.',
  }),
  TOKEN_SCOPE_TOO_NARROW: row<{ readonly needs: string }>({
    status: 403,
    retryable: false,
    text: (d) => `The token does not allow this; it needs ${d.needs}`,
    cure: 'Use a token made for this.',
  }),
  TOKEN_EXCHANGE_REFUSED: row<{ readonly reason: string }>({
    status: 401,
    retryable: false,
    text: (d) => `The build job’s token was refused: ${d.reason}`,
    cure: 'Compare the job with what the namespace lets publish; each token serves once.',
  }),
} as const;
