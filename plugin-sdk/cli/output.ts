import { HubError, reportOf, visible, type Finding } from '../contract/index.ts';

/** One word of the command line: what it is called, what it says of itself, what it does. `run` gives the exit code. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

/** Options every command takes, for `parseArgs`. */
export const COMMON_OPTIONS = { json: { type: 'boolean', default: false } } as const;

/** Prints an error with its code, what happened and the cure. Returns the exit code: 2 for a wrong command line or file, else 1. */
export function printError(error: unknown, asJson: boolean): number {
  const isWrongLine = isParseError(error) || HubError.is(error, 'HUB_REQUEST_INVALID');
  const cure = cureOf(error);
  const report = {
    ...reportOf(error),
    ...(isParseError(error) ? { code: 'HUB_REQUEST_INVALID' } : {}),
  };
  if (asJson) console.error(JSON.stringify({ ...report, cure }));
  else console.error(`hub-plugin: ${report.code}\n  ${plain(report.message)}\n  → ${plain(cure)}`);
  return isWrongLine ? 2 : 1;
}

/** Prints `value` as JSON, or what `asText` makes of it. */
export function print(value: unknown, asJson: boolean, asText: () => string): void {
  console.log(asJson ? JSON.stringify(value) : asText());
}

/** Columns of text, as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Text from elsewhere made safe for a terminal; line ends stay. */
export const plain = (text: string): string => text.split('\n').map(visible).join('\n');

/** What the rules found: one paragraph each, errors first. */
export function findingLines(findings: readonly Finding[]): string {
  const weight = { error: 0, review: 1, advice: 2 } as const;
  return findings
    .toSorted((one, two) => weight[one.severity] - weight[two.severity])
    .map(({ rule, severity, file, line, message, cure }) => {
      const at = `${file ?? 'the pack'}${line === null ? '' : `:${String(line)}`}`;
      return `${severity.padEnd(6)} ${rule}  ${plain(`${at} ${message}`)}\n       → ${plain(cure)}`;
    })
    .join('\n');
}

/** `2 errors, 1 for review, 3 pieces of advice`. */
export function findingCounts(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']): number =>
    findings.filter((it) => it.severity === severity).length;
  const plural = (n: number, one: string, more: string): string =>
    `${String(n)} ${n === 1 ? one : more}`;
  return [
    plural(count('error'), 'error', 'errors'),
    `${String(count('review'))} for review`,
    plural(count('advice'), 'piece of advice', 'pieces of advice'),
  ].join(', ');
}

/** Refuses a value on the command line, naming the field and the cure. */
export function usage(field: string, value: string | undefined, cure: string): HubError {
  return new HubError('HUB_REQUEST_INVALID', { field, value: value ?? 'nothing', cure });
}

function cureOf(error: unknown): string {
  if (HubError.is(error, 'HUB_REQUEST_INVALID')) return error.data.cure;
  if (error instanceof HubError) return error.cure;
  return 'See hub-plugin --help.';
}

function isParseError(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  );
}
