import { isDeepStrictEqual } from 'node:util';
import { HubError, type CapabilityName, type HttpRequest, type Json } from '../contract/index.ts';

/** A use of a capability that the node under test made. */
export interface RecordedCall {
  readonly capability: CapabilityName;
  readonly operation: string;
  readonly args: Json;
}

/** What the fake broker answers: a value, or a function of the call that may throw a HubError. */
export type FakeAnswer = Json | ((call: RecordedCall) => Json);

/** What a server answers in a test; status 200 and no headers unless said. `json` is sent as its text. */
export interface FakeResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly json?: Json;
}

/** How a program ends in a test; exit code 0 and no output unless said. */
export interface FakeExit {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** All there is outside of the plugin under test. */
export interface World {
  /** By method and address, `GET https://api.example.com/rates`; an address that is not here is unreachable. */
  readonly http?: Readonly<Record<string, FakeResponse | ((request: HttpRequest) => FakeResponse)>>;
  /** Texts of files by path, as the plugin names them. */
  readonly files?: Readonly<Record<string, string>>;
  /** By path of the program. */
  readonly programs?: Readonly<Record<string, FakeExit | ((args: readonly string[]) => FakeExit)>>;
  readonly state?: Readonly<Record<string, Json>>;
  /** Names of the secrets there are; their values are nobody's to see, in tests neither. */
  readonly secrets?: readonly string[];
  /** What the clock says, in milliseconds since 1970; 0 when left out. */
  readonly now?: number;
  /** For all else, and before all else: answers by `capability.operation`, e.g. `screen.capture.capture`. */
  readonly answers?: Readonly<Record<string, FakeAnswer>>;
}

export function serveHttp({ args }: RecordedCall, known: NonNullable<World['http']>): Json {
  // SAFETY: the arguments fitted the schema of `request`.
  const request = args as unknown as HttpRequest;
  const answer = known[`${request.method} ${request.url}`];
  if (answer === undefined) {
    const detail = `the test has no “${request.method} ${request.url}”`;
    throw new HubError('NET_UNREACHABLE', { host: new URL(request.url).host, detail });
  }
  const {
    status = 200,
    headers = {},
    text,
    json,
  } = typeof answer === 'function' ? answer(request) : answer;
  const body = text ?? (json === undefined ? '' : JSON.stringify(json));
  const sizeBytes = Buffer.byteLength(body);
  return { status, url: request.url, headers, text: body, sizeBytes, ms: 1 };
}

export function serveFiles(call: RecordedCall, files: Map<string, string>): Json {
  // SAFETY: the arguments fitted the schema of one of the operations on files, which all have a path.
  const args = call.args as unknown as FileArgs;
  const operation = Object.hasOwn(FILES, call.operation) ? FILES[call.operation] : undefined;
  if (operation !== undefined) return operation(args, files);
  const need = `${call.capability}.${call.operation}`;
  throw new HubError('CAPABILITY_UNAVAILABLE', { need });
}

const UNDO = '0'.repeat(32);
type Files = Map<string, string>;

const FILES: Readonly<Record<string, (args: FileArgs, files: Files) => Json>> = {
  read: ({ path }, files) => ({ ...about(existing(path, files)), text: existing(path, files) }),
  stat: ({ path }, files) =>
    files.has(path) ? { kind: 'file', ...about(existing(path, files)) } : null,
  list({ path }, files) {
    const inside = [...files].filter(([it]) => it.startsWith(`${path}/`));
    const entries = inside
      .toSorted(([one], [two]) => (one < two ? -1 : 1))
      .map(([it, text]) => ({ name: it.slice(path.length + 1), kind: 'file', ...about(text) }));
    return { entries, truncated: false };
  },
  write({ path, mode, content }, files) {
    const before = files.get(path);
    if (mode === 'create' && before !== undefined) throw new HubError('FILE_EXISTS', { path });
    const text = typeof content === 'string' ? content : '';
    files.set(path, mode === 'append' ? `${before ?? ''}${text}` : text);
    return { undo: UNDO, sizeBytes: Buffer.byteLength(text) };
  },
  move({ path, to }, files) {
    if (files.has(to)) throw new HubError('FILE_EXISTS', { path: to });
    files.set(to, existing(path, files));
    files.delete(path);
    return { undo: UNDO };
  },
  remove({ path }, files) {
    existing(path, files);
    files.delete(path);
    return { undo: UNDO };
  },
};

const about = (text: string) => ({ sizeBytes: Buffer.byteLength(text), modifiedAt: 0 });

function existing(path: string, files: Files): string {
  const text = files.get(path);
  if (text === undefined) throw new HubError('FILE_NOT_FOUND', { path });
  return text;
}

interface FileArgs {
  readonly path: string;
  readonly to: string;
  readonly mode: 'create' | 'replace' | 'append';
  readonly content: Json;
}

export function servePrograms({ args }: RecordedCall, known: NonNullable<World['programs']>): Json {
  // SAFETY: the arguments fitted the schema of `run`.
  const { program, args: words } = args as {
    readonly program: string;
    readonly args: readonly string[];
  };
  const answer = known[program];
  if (answer === undefined)
    throw new HubError('PROCESS_REFUSED', { program, reason: 'the test has no such program' });
  const {
    exitCode = 0,
    stdout = '',
    stderr = '',
  } = typeof answer === 'function' ? answer(words) : answer;
  return { exitCode, signal: null, stdout, stderr, truncated: false, ms: 1 };
}

export function serveState({ operation, args }: RecordedCall, state: Map<string, Json>): Json {
  // SAFETY: made by the context's own `state`.
  const {
    key,
    value = null,
    expected = null,
  } = args as { readonly key: string; readonly value?: Json; readonly expected?: Json };
  const before = state.get(key) ?? null;
  if (operation === 'get') return before;
  const replaced = operation === 'set' || isDeepStrictEqual(before, expected);
  if (!replaced) return { replaced, before };
  if (value === null) state.delete(key);
  else state.set(key, value);
  return operation === 'set' ? null : { replaced, before };
}
