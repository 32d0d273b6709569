import { HubError, reportOf, type Json } from '@runtime-hub/plugin-sdk/contract';

/** One word of the command line: what it is called, what it says of itself, what it does. `run` gives the exit code. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

/** Prints an error with its code, what happened and the cure. Returns the exit code: 2 for a wrong command line or file, else 1. */
export function printError(error: unknown, asJson: boolean): number {
  const isUsage =
    isParseError(error) ||
    HubError.is(error, 'HUB_REQUEST_INVALID') ||
    HubError.is(error, 'WORKFLOW_INVALID');
  const cure = cureOf(error);
  const report = {
    ...reportOf(error),
    ...(isParseError(error) ? { code: 'HUB_REQUEST_INVALID' } : {}),
  };
  if (asJson) console.error(JSON.stringify({ ...report, cure }));
  else console.error(`hub: ${report.code}\n  ${report.message}\n  → ${cure}`);
  return isUsage ? 2 : 1;
}

/** Prints `value` as JSON, or what `asText` makes of it. */
export function print(value: unknown, asJson: boolean, asText: () => string): void {
  console.log(asJson ? JSON.stringify(value) : asText());
}

/** Columns of text, as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

/** Text of a plugin made safe for a terminal: no control or bidirectional characters. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�');
}

/** Refuses a value on the command line, naming the field and the cure. */
export function usage(field: string, value: Json | undefined, cure: string): HubError {
  return new HubError('HUB_REQUEST_INVALID', {
    field,
    value: typeof value === 'string' ? value : JSON.stringify(value ?? 'nothing'),
    cure,
  });
}

function cureOf(error: unknown): string {
  if (HubError.is(error, 'HUB_REQUEST_INVALID')) return error.data.cure;
  if (error instanceof HubError) return error.cure;
  return 'See --help; hub doctor looks at the machine.';
}

function isParseError(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  );
}
