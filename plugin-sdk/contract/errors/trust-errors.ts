import { DISTRUST, row } from './row.ts';

/** What makes a hub disbelieve a log, and what the trust policy refuses. */
export const TRUST_ERRORS = {
  LOG_ORIGIN_MISMATCH: row<{ readonly expected: string; readonly actual: string }>({
    status: 502,
    retryable: false,
    text: (d) => `This is the log of ${d.actual}, not of ${d.expected}`,
    cure: 'Correct the registry’s address in trust-policy.json.',
  }),
  LOG_KEY_MISMATCH: row<{ readonly origin: string }>({
    status: 502,
    retryable: false,
    text: (d) => `The log of ${d.origin} is not signed by the key that is trusted for it`,
    cure: DISTRUST,
  }),
  LOG_CHECKPOINT_MALFORMED: row<{ readonly origin: string; readonly detail: string }>({
    status: 502,
    retryable: false,
    text: (d) => `The checkpoint of ${d.origin} can’t be read: ${d.detail}`,
    cure: DISTRUST,
  }),
  LOG_CHECKPOINT_FORGED: row<{ readonly origin: string }>({
    status: 502,
    retryable: false,
    text: (d) => `The signature on the checkpoint of ${d.origin} does not hold`,
    cure: DISTRUST,
  }),
  LOG_ROLLED_BACK: row<{
    readonly origin: string;
    readonly seen: number;
    readonly offered: number;
  }>({
    status: 502,
    retryable: false,
    text: (d) =>
      `The log of ${d.origin} has ${String(d.offered)} entries, though it had ${String(d.seen)}`,
    cure: DISTRUST,
  }),
  LOG_FORKED: row<{ readonly origin: string; readonly size: number }>({
    status: 502,
    retryable: false,
    text: (d) =>
      `The log of ${d.origin} tells another history than before, up to entry ${String(d.size)}`,
    cure: DISTRUST,
  }),
  LOG_FROZEN: row<{ readonly origin: string; readonly ageMs: number; readonly maxAgeMs: number }>({
    status: 502,
    retryable: true,
    text: (d) =>
      `The newest checkpoint of ${d.origin} is ${String(Math.round(d.ageMs / 3_600_000))} h old`,
    cure: 'Somebody may hold news back. What is installed goes on; nothing new is installed from there.',
  }),
  LOG_TIME_AHEAD: row<{ readonly origin: string; readonly aheadMs: number }>({
    status: 502,
    retryable: true,
    text: (d) =>
      `The clock of ${d.origin} is ${String(Math.round(d.aheadMs / 3_600_000))} h ahead of this one`,
    cure: 'Set the clock of this machine, or report it to the registry’s operator.',
  }),
  LOG_MISDATED: row<{ readonly origin: string; readonly index: number }>({
    status: 502,
    retryable: false,
    text: (d) => `Entry ${String(d.index)} of the log of ${d.origin} bears a date it cannot have`,
    cure: DISTRUST,
  }),
  LOG_PROOF_INVALID: row<{ readonly origin: string; readonly index: number }>({
    status: 502,
    retryable: false,
    text: (d) => `Entry ${String(d.index)} is not in the log of ${d.origin}`,
    cure: DISTRUST,
  }),
  LOG_LEAF_MALFORMED: row<{ readonly detail: string }>({
    status: 502,
    retryable: false,
    text: (d) => `An entry of the log has another form: ${d.detail}`,
    cure: DISTRUST,
  }),
  LOG_LEAF_MISMATCH: row<{ readonly plugin: string; readonly detail: string }>({
    status: 422,
    retryable: false,
    text: (d) => `The log says something else of ${d.plugin} than its release: ${d.detail}`,
    cure: DISTRUST,
  }),
  LOG_TILE_MALFORMED: row<{ readonly detail: string }>({
    status: 502,
    retryable: false,
    text: (d) => `A tile of the log has another form: ${d.detail}`,
    cure: DISTRUST,
  }),
  POLICY_ORIGIN_REFUSED: row<{ readonly plugin: string; readonly origin: string }>({
    status: 403,
    retryable: false,
    text: (d) => `No entry of the trust policy takes ${d.plugin} from ${d.origin}`,
    cure: 'If you trust that registry for this namespace, add an entry with its origin to “namespaces” in trust-policy.json.',
  }),
  POLICY_NAMESPACE_EXCLUSIVE: row<{
    readonly plugin: string;
    readonly origin: string;
    readonly entry: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} may not come from ${d.origin}: ${d.entry} has it from elsewhere only`,
    cure: 'Somebody else may be using a name of yours; install it from the registry that the entry names.',
  }),
  POLICY_ATTESTATION_MISSING: row<{
    readonly plugin: string;
    readonly need: string;
    readonly entry: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} has no valid ${d.need}, which ${d.entry} requires`,
    cure: 'Ask one of the approvers that the entry names to sign it.',
  }),
  POLICY_RELEASE_TOO_YOUNG: row<{
    readonly plugin: string;
    readonly ageHours: number;
    readonly minHours: number;
    readonly entry: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) =>
      `${d.plugin} was published ${String(d.ageHours)} hours ago; ${d.entry} wants ${String(d.minHours)}`,
    cure: 'Wait, or install an older version.',
  }),
  POLICY_CAPABILITY_DENIED: row<{
    readonly plugin: string;
    readonly need: string;
    readonly entry: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} asks for ${d.need}, which ${d.entry} allows nobody`,
    cure: 'Use another plugin, or take the capability off the list in trust-policy.json.',
  }),
  POLICY_HOST_DENIED: row<{
    readonly plugin: string;
    readonly need: string;
    readonly entry: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} asks for ${d.need}, which ${d.entry} allows nobody`,
    cure: 'Use another plugin, or take the host off the list in trust-policy.json.',
  }),
  POLICY_REASON_MISSING: row<{
    readonly plugin: string;
    readonly need: string;
    readonly entry: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} does not say what it needs ${d.need} for, as ${d.entry} wants`,
    cure: 'Ask its publisher to give a reason in the manifest.',
  }),
} as const;
