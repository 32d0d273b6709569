import * as Type from 'typebox';
import type { Static } from 'typebox';
import { AnyJson, type Json } from './json.ts';

/** One thing wrong with a document: where (JSON pointer or node name), what, and what cures it. */
export interface Problem {
  readonly at: string;
  readonly message: string;
  readonly cure: string;
}

/** The data each error carries. A code is stable for ever; the family (its first word) says whose move it is. */
export interface ErrorData {
  MANIFEST_INVALID: { readonly problems: readonly Problem[] };
  WORKFLOW_INVALID: { readonly problems: readonly Problem[] };
  ARTIFACT_MALFORMED: { readonly rule: string; readonly detail: string };
  ARTIFACT_DIGEST_MISMATCH: {
    readonly plugin: string;
    readonly expected: string;
    readonly actual: string;
  };
  ARTIFACT_FILE_MISMATCH: { readonly plugin: string; readonly file: string };
  ARTIFACT_MANIFEST_MISMATCH: { readonly plugin: string; readonly detail: string };
  ARTIFACT_NOT_FOUND: { readonly source: string };
  SIGNATURE_MALFORMED: { readonly detail: string };
  SIGNATURE_INVALID: { readonly plugin: string; readonly detail: string };
  SIGNATURE_SUBJECT_MISMATCH: { readonly expected: string; readonly actual: string };
  PUBLISHER_UNTRUSTED: { readonly plugin: string; readonly key: string };
  PUBLISHER_DRIVER_REFUSED: { readonly plugin: string; readonly publisher: string };
  PLUGIN_NOT_INSTALLED: { readonly plugin: string };
  PLUGIN_QUARANTINED: { readonly plugin: string; readonly reason: string };
  PLUGIN_ENGINE_MISMATCH: { readonly plugin: string; readonly needs: string; readonly hub: string };
  CAPABILITY_NOT_GRANTED: {
    readonly plugin: string;
    readonly need: string;
    readonly reason: string;
  };
  CAPABILITY_DENIED: { readonly plugin: string; readonly need: string };
  CAPABILITY_REVOKED: { readonly plugin: string; readonly need: string };
  CAPABILITY_RATE_EXCEEDED: {
    readonly plugin: string;
    readonly need: string;
    readonly ratePerSecond: number;
  };
  CAPABILITY_UNAVAILABLE: { readonly need: string };
  GRANT_NOT_FOUND: { readonly grant: string };
  STEP_FAILED: { readonly message: string };
  STEP_TIMED_OUT: { readonly timeoutMs: number };
  STEP_CANCELLED: { readonly reason: string };
  STEP_INPUT_INVALID: { readonly problems: readonly Problem[] };
  STEP_OUTPUT_INVALID: { readonly problems: readonly Problem[] };
  STEP_EXPRESSION_FAILED: {
    readonly at: string;
    readonly expression: string;
    readonly message: string;
  };
  STEP_UNKNOWN: { readonly node: string };
  SCREEN_UNAVAILABLE: { readonly message: string };
  SCREEN_TARGET_NOT_FOUND: { readonly target: string };
  SCREEN_TARGET_CHANGED: { readonly target: string; readonly detail: string };
  SCREEN_HALTED: { readonly reason: string };
  HOST_CRASHED: { readonly plugin: string; readonly how: string };
  HOST_OUT_OF_MEMORY: { readonly plugin: string; readonly limitMb: number };
  HOST_UNRESPONSIVE: { readonly plugin: string; readonly silentMs: number };
  HOST_PROTOCOL_ERROR: { readonly plugin: string; readonly detail: string };
  HOST_LOAD_FAILED: { readonly plugin: string; readonly message: string };
  HOST_OVERLOADED: { readonly plugin: string; readonly limit: string };
  JAIL_UNAVAILABLE: { readonly detail: string };
  BLOB_NOT_FOUND: { readonly blob: string };
  BLOB_TOO_LARGE: { readonly sizeBytes: number; readonly maxBytes: number };
  STATE_TOO_LARGE: { readonly sizeBytes: number; readonly maxBytes: number };
  NET_ADDRESS_REFUSED: { readonly host: string; readonly reason: string };
  NET_UNREACHABLE: { readonly host: string; readonly detail: string };
  NET_RESPONSE_REFUSED: { readonly host: string; readonly detail: string };
  FILE_NOT_FOUND: { readonly path: string };
  FILE_EXISTS: { readonly path: string };
  FILE_REFUSED: { readonly path: string; readonly reason: string };
  FILE_TOO_LARGE: { readonly path: string; readonly maxBytes: number };
  FILE_CHANGED: { readonly path: string };
  PROCESS_REFUSED: { readonly program: string; readonly reason: string };
  SECRET_NOT_FOUND: { readonly secret: string };
  AUDIT_BROKEN: { readonly record: number; readonly detail: string };
  RUN_NOT_FOUND: { readonly run: string };
  RUN_CANCELLED: { readonly reason: string };
  RUN_CONFLICT: { readonly run: string; readonly detail: string };
  RUN_FENCED: { readonly run: string; readonly epoch: number };
  HUB_BUSY: { readonly folder: string };
  HUB_REQUEST_INVALID: { readonly field: string; readonly value: string; readonly cure: string };
}
export type ErrorCode = keyof ErrorData;

interface Row<Data> {
  /** HTTP status (RFC 9110). */
  readonly status: number;
  readonly retryable: boolean;
  /** What happened; never a secret, a token or a user's value. */
  readonly text: (data: Data) => string;
  /** What the reader can do about it. */
  readonly cure: string;
}

const list = (problems: readonly Problem[]): string =>
  problems.map((problem) => `${problem.at}: ${problem.message} (${problem.cure})`).join('; ');

const RESTART =
  'The hub restarts the plugin by itself; if it goes on, read the plugin’s log and report it to its publisher.';
const REINSTALL =
  'Get the artifact and its bundle again from its publisher; nothing was installed.';

export const ERROR_TABLE: { readonly [C in ErrorCode]: Row<ErrorData[C]> } = {
  MANIFEST_INVALID: {
    status: 422,
    retryable: false,
    text: (d) => `The manifest is not valid: ${list(d.problems)}`,
    cure: 'Mend each named field and pack again.',
  },
  WORKFLOW_INVALID: {
    status: 422,
    retryable: false,
    text: (d) => `The workflow is not valid: ${list(d.problems)}`,
    cure: 'Mend each named place and try again.',
  },
  ARTIFACT_MALFORMED: {
    status: 422,
    retryable: false,
    text: (d) => `The artifact breaks the rule “${d.rule}”: ${d.detail}`,
    cure: REINSTALL,
  },
  ARTIFACT_DIGEST_MISMATCH: {
    status: 422,
    retryable: false,
    text: (d) =>
      `The artifact of ${d.plugin} is not the one its publisher signed (signed ${d.expected.slice(0, 23)}…, got ${d.actual.slice(0, 23)}…)`,
    cure: REINSTALL,
  },
  ARTIFACT_FILE_MISMATCH: {
    status: 422,
    retryable: false,
    text: (d) => `The file ${d.file} of ${d.plugin} is not the one its publisher signed`,
    cure: 'Remove the plugin and install it again; look for whoever changed the file.',
  },
  ARTIFACT_MANIFEST_MISMATCH: {
    status: 422,
    retryable: false,
    text: (d) => `The manifest of ${d.plugin} is not the one its publisher signed: ${d.detail}`,
    cure: REINSTALL,
  },
  ARTIFACT_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: (d) => `There is no artifact at ${d.source}`,
    cure: 'Give the path of a .tgz with its .bundle.json beside it, or the id of a built-in plugin such as core/flow.',
  },
  SIGNATURE_MALFORMED: {
    status: 422,
    retryable: false,
    text: (d) => `The bundle is not a Sigstore bundle this hub accepts: ${d.detail}`,
    cure: REINSTALL,
  },
  SIGNATURE_INVALID: {
    status: 422,
    retryable: false,
    text: (d) => `The signature on ${d.plugin} does not hold: ${d.detail}`,
    cure: REINSTALL,
  },
  SIGNATURE_SUBJECT_MISMATCH: {
    status: 422,
    retryable: false,
    text: (d) => `The bundle speaks of ${d.actual}, not of ${d.expected}`,
    cure: 'Use the bundle that was made for this very version.',
  },
  PUBLISHER_UNTRUSTED: {
    status: 403,
    retryable: false,
    text: (d) => `The trust policy names no key “${d.key}” for ${d.plugin}`,
    cure: 'If you trust this publisher, add its key for this namespace to trust-policy.json.',
  },
  PUBLISHER_DRIVER_REFUSED: {
    status: 403,
    retryable: false,
    text: (d) =>
      `${d.plugin} wants the driver runtime, which the trust policy does not allow ${d.publisher}`,
    cure: 'Add the plugin to “drivers” in trust-policy.json only if you trust it like the hub itself.',
  },
  PLUGIN_NOT_INSTALLED: {
    status: 404,
    retryable: false,
    text: (d) => `The plugin ${d.plugin} is not installed`,
    cure: 'Install it with: hub plugins install <id or path>',
  },
  PLUGIN_QUARANTINED: {
    status: 409,
    retryable: false,
    text: (d) => `${d.plugin} is in quarantine: ${d.reason}`,
    cure: 'Read its log; to try again, remove it and install it again.',
  },
  PLUGIN_ENGINE_MISMATCH: {
    status: 422,
    retryable: false,
    text: (d) => `${d.plugin} needs hub ${d.needs}; this is ${d.hub}`,
    cure: 'Install a version of the plugin made for this hub, or update the hub.',
  },
  CAPABILITY_NOT_GRANTED: {
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} asks for ${d.need}: ${d.reason}`,
    cure: 'See hub permissions list; allow it with: hub permissions approve <plugin>',
  },
  CAPABILITY_DENIED: {
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} holds no grant for ${d.need}`,
    cure: 'An admin can widen the grant: hub permissions approve <plugin> --capability <name:target>',
  },
  CAPABILITY_REVOKED: {
    status: 403,
    retryable: false,
    text: (d) => `The grant of ${d.plugin} for ${d.need} was revoked while it was in use`,
    cure: 'An admin can grant it again with: hub permissions approve <plugin>',
  },
  CAPABILITY_RATE_EXCEEDED: {
    status: 429,
    retryable: true,
    text: (d) => `${d.plugin} used ${d.need} more than ${String(d.ratePerSecond)} times a second`,
    cure: 'Slow the workflow down, or grant a higher rate.',
  },
  CAPABILITY_UNAVAILABLE: {
    status: 503,
    retryable: false,
    text: (d) => `No installed plugin provides ${d.need}`,
    cure: 'Install the plugin that provides it, e.g. core/screen for screen.capture.',
  },
  GRANT_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: (d) => `There is no grant or request ${d.grant}`,
    cure: 'See hub permissions list.',
  },
  STEP_FAILED: {
    status: 502,
    retryable: true,
    text: (d) => d.message,
    cure: 'Read the message; connect the node’s “error” port to handle it in the workflow.',
  },
  STEP_TIMED_OUT: {
    status: 504,
    retryable: true,
    text: (d) => `The step took longer than ${String(d.timeoutMs)} ms`,
    cure: 'Raise timeoutMs on the node, or find out why it is slow.',
  },
  STEP_CANCELLED: {
    status: 409,
    retryable: false,
    text: (d) => `The step was cancelled: ${d.reason}`,
    cure: 'Start the run again if that was not meant.',
  },
  STEP_INPUT_INVALID: {
    status: 422,
    retryable: false,
    text: (d) => `What arrived does not fit the node: ${list(d.problems)}`,
    cure: 'Compare the node’s schema with what the node before it gives.',
  },
  STEP_OUTPUT_INVALID: {
    status: 502,
    retryable: false,
    text: (d) => `The node gave what it had not declared: ${list(d.problems)}`,
    cure: 'Report it to the plugin’s publisher.',
  },
  STEP_EXPRESSION_FAILED: {
    status: 422,
    retryable: false,
    text: (d) => `The expression at ${d.at} failed: ${d.message}`,
    cure: 'Mend the expression, or give it an “orElse” value.',
  },
  STEP_UNKNOWN: {
    status: 409,
    retryable: false,
    text: (d) =>
      `The hub or the plugin stopped while ${d.node} was acting on the outside world; nobody knows whether it was done`,
    cure: 'Look at the outside world, then: hub runs resolve <run> <node> --as done|retry|fail',
  },
  SCREEN_UNAVAILABLE: {
    status: 503,
    retryable: false,
    text: (d) => d.message,
    cure: 'Start the hub inside an X11 session (DISPLAY set); hub doctor tells more.',
  },
  SCREEN_TARGET_NOT_FOUND: {
    status: 404,
    retryable: true,
    text: (d) => `There is no ${d.target} on the screen`,
    cure: 'Open the window, or correct the title in the node’s settings.',
  },
  SCREEN_TARGET_CHANGED: {
    status: 409,
    retryable: false,
    text: (d) => `${d.target} changed before the click: ${d.detail}; nothing was clicked`,
    cure: 'Usually nothing to do: the next change starts a new run.',
  },
  SCREEN_HALTED: {
    status: 409,
    retryable: false,
    text: (d) => `Mouse actions are stopped: ${d.reason}`,
    cure: 'Restart the workflow when it is safe.',
  },
  HOST_CRASHED: {
    status: 503,
    retryable: true,
    text: (d) => `The host of ${d.plugin} died: ${d.how}`,
    cure: RESTART,
  },
  HOST_OUT_OF_MEMORY: {
    status: 503,
    retryable: true,
    text: (d) => `${d.plugin} used more than its ${String(d.limitMb)} MB of memory`,
    cure: RESTART,
  },
  HOST_UNRESPONSIVE: {
    status: 503,
    retryable: true,
    text: (d) => `${d.plugin} gave no sign of life for ${String(d.silentMs)} ms and was ended`,
    cure: RESTART,
  },
  HOST_PROTOCOL_ERROR: {
    status: 503,
    retryable: true,
    text: (d) => `${d.plugin} broke the wire protocol and was ended: ${d.detail}`,
    cure: RESTART,
  },
  HOST_LOAD_FAILED: {
    status: 503,
    retryable: false,
    text: (d) => `${d.plugin} could not be loaded: ${d.message}`,
    cure: 'Report it to the plugin’s publisher.',
  },
  HOST_OVERLOADED: {
    status: 503,
    retryable: true,
    text: (d) => `${d.plugin} went over its limit of ${d.limit}`,
    cure: RESTART,
  },
  JAIL_UNAVAILABLE: {
    status: 503,
    retryable: false,
    text: (d) => `The jail cannot start, so no plugin is run: ${d.detail}`,
    cure: 'Run hub doctor; on Debian: apt-get install bubblewrap',
  },
  BLOB_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: (d) => `There is no blob ${d.blob} for this plugin`,
    cure: 'Blobs end a minute after their run; make it again.',
  },
  BLOB_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: (d) =>
      `A blob of ${String(d.sizeBytes)} bytes is over the limit of ${String(d.maxBytes)}`,
    cure: 'Capture a smaller area.',
  },
  STATE_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: (d) =>
      `A state value of ${String(d.sizeBytes)} bytes is over the limit of ${String(d.maxBytes)}`,
    cure: 'Keep less; large values belong in blobs.',
  },
  NET_ADDRESS_REFUSED: {
    status: 403,
    retryable: false,
    text: (d) => `A request to ${d.host} was refused: ${d.reason}`,
    cure: 'If plugins may reach this private network, an admin can name it under “networks” in trust-policy.json.',
  },
  NET_UNREACHABLE: {
    status: 502,
    retryable: true,
    text: (d) => `${d.host} gave no response: ${d.detail}`,
    cure: 'Check the address and the network; then try again.',
  },
  NET_RESPONSE_REFUSED: {
    status: 502,
    retryable: false,
    text: (d) => `The response of ${d.host} was refused: ${d.detail}`,
    cure: 'Ask for less, keep the body as a blob, or raise maxBytes.',
  },
  FILE_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: (d) => `There is no ${d.path}`,
    cure: 'Correct the path.',
  },
  FILE_EXISTS: {
    status: 409,
    retryable: false,
    text: (d) => `There is something at ${d.path} already`,
    cure: 'Choose another name, or the mode “replace”.',
  },
  FILE_REFUSED: {
    status: 403,
    retryable: false,
    text: (d) => `${d.path} was refused: ${d.reason}`,
    cure: 'Name the real file, whose whole path has no symbolic link.',
  },
  FILE_TOO_LARGE: {
    status: 413,
    retryable: false,
    text: (d) => `${d.path} is larger than ${String(d.maxBytes)} bytes`,
    cure: 'Read it as a blob, or raise maxBytes.',
  },
  FILE_CHANGED: {
    status: 409,
    retryable: false,
    text: (d) => `Somebody changed ${d.path} since; nothing was undone`,
    cure: 'Look at the file and decide by hand.',
  },
  PROCESS_REFUSED: {
    status: 422,
    retryable: false,
    text: (d) => `${d.program} was not started or ended: ${d.reason}`,
    cure: 'Give the absolute path of a program that is there and may be run.',
  },
  SECRET_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: (d) => `There is no secret ${d.secret}`,
    cure: 'Add it with: hub secrets set <name>',
  },
  AUDIT_BROKEN: {
    status: 500,
    retryable: false,
    text: (d) => `The audit does not hold from record ${String(d.record)} on: ${d.detail}`,
    cure: 'Somebody changed the audit. Keep a copy of the data folder and look for who it was.',
  },
  RUN_NOT_FOUND: {
    status: 404,
    retryable: false,
    text: (d) => `There is no run ${d.run}`,
    cure: 'See hub runs list.',
  },
  RUN_CANCELLED: {
    status: 409,
    retryable: false,
    text: (d) => `The run was cancelled: ${d.reason}`,
    cure: 'Start it again if that was not meant.',
  },
  RUN_CONFLICT: {
    status: 409,
    retryable: false,
    text: (d) => `Run ${d.run}: ${d.detail}`,
    cure: 'See hub runs show <run>.',
  },
  RUN_FENCED: {
    status: 409,
    retryable: false,
    text: (d) => `Another hub took over run ${d.run} after epoch ${String(d.epoch)}`,
    cure: 'Nothing to do: the other hub goes on with it.',
  },
  HUB_BUSY: {
    status: 409,
    retryable: true,
    text: (d) => `Another hub is using the data folder ${d.folder}`,
    cure: 'Stop it, or choose another folder with --data.',
  },
  HUB_REQUEST_INVALID: {
    status: 400,
    retryable: false,
    text: (d) => `${d.field}: “${d.value}” does not fit`,
    cure: 'See --help.',
  },
};

/** The one error class of the product. Match by `code`; `data` is then typed. */
export class HubError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly data: ErrorData[C];

  constructor(code: C, data: ErrorData[C], options?: { readonly cause: unknown }) {
    super(ERROR_TABLE[code].text(data), options);
    this.name = 'HubError';
    this.code = code;
    this.data = data;
  }

  get retryable(): boolean {
    return ERROR_TABLE[this.code].retryable;
  }

  get cure(): string {
    return ERROR_TABLE[this.code].cure;
  }

  static is<C extends ErrorCode>(error: unknown, code: C): error is HubError<C> {
    return error instanceof HubError && error.code === code;
  }
}

/** An error as it crosses a boundary: no class, no stack. */
export const ErrorReport = Type.Object(
  {
    code: Type.String({ maxLength: 64 }),
    message: Type.String({ maxLength: 4096 }),
    data: AnyJson,
    retryable: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type ErrorReport = Static<typeof ErrorReport>;

/** Turns anything thrown into a report; what is not a HubError becomes STEP_FAILED with its message cut to 4,000 characters. */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof HubError) {
    // SAFETY: every row of ErrorData is plain JSON.
    return {
      code: error.code,
      message: error.message.slice(0, 4000),
      data: error.data as unknown as Json,
      retryable: error.retryable,
    };
  }
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 4000);
  return { code: 'STEP_FAILED', message, data: { message }, retryable: true };
}

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_TABLE, code);

/** The error a report stands for; an unknown code becomes STEP_FAILED. */
export function errorOf(report: ErrorReport): HubError {
  // SAFETY: reports are made by `reportOf`; a host may lie in `data`, so texts are built from it only inside try.
  try {
    if (isCode(report.code)) return new HubError(report.code, report.data as never);
  } catch {
    // A lying host: fall through to the plain form.
  }
  return new HubError('STEP_FAILED', { message: report.message });
}
