import { row } from './row.ts';

/** What plugins ask of the hub through the broker. */
export const SERVICE_ERRORS = {
  CAPABILITY_NOT_GRANTED: row<{
    readonly plugin: string;
    readonly need: string;
    readonly reason: string;
  }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} asks for ${d.need}: ${d.reason}`,
    cure: 'See hub permissions list; allow it with: hub permissions approve <plugin>',
  }),
  CAPABILITY_DENIED: row<{ readonly plugin: string; readonly need: string }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.plugin} holds no grant for ${d.need}`,
    cure: 'An admin can widen the grant: hub permissions approve <plugin> --capability <name:target>',
  }),
  CAPABILITY_REVOKED: row<{ readonly plugin: string; readonly need: string }>({
    status: 403,
    retryable: false,
    text: (d) => `The grant of ${d.plugin} for ${d.need} was revoked while it was in use`,
    cure: 'An admin can grant it again with: hub permissions approve <plugin>',
  }),
  CAPABILITY_RATE_EXCEEDED: row<{
    readonly plugin: string;
    readonly need: string;
    readonly ratePerSecond: number;
  }>({
    status: 429,
    retryable: true,
    text: (d) => `${d.plugin} used ${d.need} more than ${String(d.ratePerSecond)} times a second`,
    cure: 'Slow the workflow down, or grant a higher rate.',
  }),
  CAPABILITY_UNAVAILABLE: row<{ readonly need: string }>({
    status: 503,
    retryable: false,
    text: (d) => `No installed plugin provides ${d.need}`,
    cure: 'Install the plugin that provides it, e.g. core/screen for screen.capture.',
  }),
  GRANT_NOT_FOUND: row<{ readonly grant: string }>({
    status: 404,
    retryable: false,
    text: (d) => `There is no grant or request ${d.grant}`,
    cure: 'See hub permissions list.',
  }),
  SCREEN_UNAVAILABLE: row<{ readonly message: string }>({
    status: 503,
    retryable: false,
    text: (d) => d.message,
    cure: 'Start the hub inside an X11 session (DISPLAY set); hub doctor tells more.',
  }),
  SCREEN_TARGET_NOT_FOUND: row<{ readonly target: string }>({
    status: 404,
    retryable: true,
    text: (d) => `There is no ${d.target} on the screen`,
    cure: 'Open the window, or correct the title in the node’s settings.',
  }),
  SCREEN_TARGET_CHANGED: row<{ readonly target: string; readonly detail: string }>({
    status: 409,
    retryable: false,
    text: (d) => `${d.target} changed before the click: ${d.detail}; nothing was clicked`,
    cure: 'Usually nothing to do: the next change starts a new run.',
  }),
  SCREEN_HALTED: row<{ readonly reason: string }>({
    status: 409,
    retryable: false,
    text: (d) => `Mouse actions are stopped: ${d.reason}`,
    cure: 'Restart the workflow when it is safe.',
  }),
  BLOB_NOT_FOUND: row<{ readonly blob: string }>({
    status: 404,
    retryable: false,
    text: (d) => `There is no blob ${d.blob} for this plugin`,
    cure: 'Blobs end a minute after their run; make it again.',
  }),
  BLOB_TOO_LARGE: row<{ readonly sizeBytes: number; readonly maxBytes: number }>({
    status: 413,
    retryable: false,
    text: (d) =>
      `A blob of ${String(d.sizeBytes)} bytes is over the limit of ${String(d.maxBytes)}`,
    cure: 'Capture a smaller area.',
  }),
  STATE_TOO_LARGE: row<{ readonly sizeBytes: number; readonly maxBytes: number }>({
    status: 413,
    retryable: false,
    text: (d) =>
      `A state value of ${String(d.sizeBytes)} bytes is over the limit of ${String(d.maxBytes)}`,
    cure: 'Keep less; large values belong in blobs.',
  }),
  NET_ADDRESS_REFUSED: row<{ readonly host: string; readonly reason: string }>({
    status: 403,
    retryable: false,
    text: (d) => `A request to ${d.host} was refused: ${d.reason}`,
    cure: 'If plugins may reach this private network, an admin can name it under “networks” in trust-policy.json.',
  }),
  NET_UNREACHABLE: row<{ readonly host: string; readonly detail: string }>({
    status: 502,
    retryable: true,
    text: (d) => `${d.host} gave no response: ${d.detail}`,
    cure: 'Check the address and the network; then try again.',
  }),
  NET_RESPONSE_REFUSED: row<{ readonly host: string; readonly detail: string }>({
    status: 502,
    retryable: false,
    text: (d) => `The response of ${d.host} was refused: ${d.detail}`,
    cure: 'Ask for less, keep the body as a blob, or raise maxBytes.',
  }),
  FILE_NOT_FOUND: row<{ readonly path: string }>({
    status: 404,
    retryable: false,
    text: (d) => `There is no ${d.path}`,
    cure: 'Correct the path.',
  }),
  FILE_EXISTS: row<{ readonly path: string }>({
    status: 409,
    retryable: false,
    text: (d) => `There is something at ${d.path} already`,
    cure: 'Choose another name, or the mode “replace”.',
  }),
  FILE_REFUSED: row<{ readonly path: string; readonly reason: string }>({
    status: 403,
    retryable: false,
    text: (d) => `${d.path} was refused: ${d.reason}`,
    cure: 'Name the real file, whose whole path has no symbolic link.',
  }),
  FILE_TOO_LARGE: row<{ readonly path: string; readonly maxBytes: number }>({
    status: 413,
    retryable: false,
    text: (d) => `${d.path} is larger than ${String(d.maxBytes)} bytes`,
    cure: 'Read it as a blob, or raise maxBytes.',
  }),
  FILE_CHANGED: row<{ readonly path: string }>({
    status: 409,
    retryable: false,
    text: (d) => `Somebody changed ${d.path} since; nothing was undone`,
    cure: 'Look at the file and decide by hand.',
  }),
  PROCESS_REFUSED: row<{ readonly program: string; readonly reason: string }>({
    status: 422,
    retryable: false,
    text: (d) => `${d.program} was not started or ended: ${d.reason}`,
    cure: 'Give the absolute path of a program that is there and may be run.',
  }),
  SECRET_NOT_FOUND: row<{ readonly secret: string }>({
    status: 404,
    retryable: false,
    text: (d) => `There is no secret ${d.secret}`,
    cure: 'Add it with: hub secrets set <name>',
  }),
  AUDIT_BROKEN: row<{ readonly record: number; readonly detail: string }>({
    status: 500,
    retryable: false,
    text: (d) => `The audit does not hold from record ${String(d.record)} on: ${d.detail}`,
    cure: 'Somebody changed the audit. Keep a copy of the data folder and look for who it was.',
  }),
} as const;
