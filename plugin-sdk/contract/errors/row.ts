/** One thing wrong with a document: where (JSON pointer or node name), what, and what cures it. */
export interface Problem {
  readonly at: string;
  readonly message: string;
  readonly cure: string;
}

/** What the table says of one code; `Data` is what each error of it carries. */
export interface Row<Data> {
  /** HTTP status (RFC 9110). */
  readonly status: number;
  readonly retryable: boolean;
  /** What happened; never a secret, a token or a user's value. */
  readonly text: (data: Data) => string;
  /** What the reader can do about it. */
  readonly cure: string;
}

export const row = <Data>(it: Row<Data>): Row<Data> => it;

export const list = (problems: readonly Problem[]): string =>
  problems.map((problem) => `${problem.at}: ${problem.message} (${problem.cure})`).join('; ');

export const RESTART =
  'The hub restarts the plugin by itself; if it goes on, read the plugin’s log and report it to its publisher.';
export const REINSTALL =
  'Get the artifact and its bundle again from its publisher; nothing was installed.';
export const DISTRUST =
  'Install nothing from this registry until its operator has explained it; keep the data folder as evidence.';
