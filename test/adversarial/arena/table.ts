import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

type Verdict = 'contained' | 'NOT CONTAINED' | 'not run';

interface Row {
  readonly case: string;
  readonly class: string;
  readonly verdict: Verdict;
  /** The typed error it ended with, where the test says so; why it was not run. */
  readonly outcome: string;
  readonly ms: number;
}

/** Where the table goes as JSON besides, when asked. */
export const JSON_FILE = 'HUB_ADVERSARIAL_JSON';
const NAME_WIDTH = 96;

/** Prints the cases of test/adversarial as a table when all have run: case, class, outcome, time, and a count per class. */
export class TableReporter implements Reporter {
  #seen = 0;

  onTestCaseResult(): void {
    this.#seen += 1;
    if (process.stderr.isTTY) process.stderr.write(`\r${String(this.#seen)} cases …`);
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const rows = modules.flatMap((module) => [...module.children.allTests()].map(rowOf));
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    console.log(tableOf(rows));
    for (const failure of failuresIn(modules)) console.log(failure);
    for (const { message } of errors) console.log(`outside of any case: ${message}`);
    console.log(summaryOf(rows));
    const file = process.env[JSON_FILE];
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(resultOf(rows), null, 2)}\n`);
    // An empty table proves nothing; a file that could not be loaded has failed already.
    if (rows.length === 0 || rows.some((row) => row.verdict !== 'contained')) process.exitCode = 1;
  }
}

/** The class of a case is its folder; its name is what its test is called. */
function rowOf(test: TestCase): Row {
  const result = test.result();
  const file = path.relative(path.resolve(import.meta.dirname, '..'), test.module.moduleId);
  const { outcome = '' } = test.meta();
  const about = {
    case: test.fullName.replaceAll(' > ', ': '),
    class: file.split(path.sep)[0] ?? '',
    ms: Math.round(test.diagnostic()?.duration ?? 0),
  };
  if (result.state === 'passed') return { ...about, verdict: 'contained', outcome };
  if (result.state === 'failed') return { ...about, verdict: 'NOT CONTAINED', outcome };
  const note = result.state === 'skipped' ? (result.note ?? 'its file failed') : 'it never ended';
  return { ...about, verdict: 'not run', outcome: note };
}

function tableOf(rows: readonly Row[]): string {
  const lines = [...rows]
    .toSorted((a, b) => a.class.localeCompare(b.class))
    .map((row) => [cut(row.case), row.class, row.verdict, row.outcome, `${String(row.ms)} ms`]);
  return columns([['case', 'class', 'verdict', 'outcome', 'time'], ...lines]);
}

const cut = (text: string): string =>
  text.length <= NAME_WIDTH ? text : `${text.slice(0, NAME_WIDTH - 1)}…`;

function columns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, at) =>
    Math.max(...lines.map((line) => line[at]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What went wrong, for each case that was not contained and each file that could not be loaded. */
function failuresIn(modules: readonly TestModule[]): readonly string[] {
  const said = (errors: readonly SerializedError[] | undefined): string =>
    (errors ?? [])
      .map((it) =>
        stripVTControlCharacters(
          `${it.message}\n${typeof it['diff'] === 'string' ? it['diff'] : ''}`,
        ),
      )
      .join('\n');
  return modules.flatMap((module) => [
    ...module.errors().map(({ message }) => `\n${module.relativeModuleId}: ${message}`),
    ...[...module.children.allSuites()].flatMap((suite) =>
      suite
        .errors()
        .map(({ message }) => `\n${module.relativeModuleId}: ${suite.name}: ${message}`),
    ),
    ...[...module.children.allTests('failed')].map(
      (test) => `\n${module.relativeModuleId}: ${test.name}\n${said(test.result().errors)}`,
    ),
  ]);
}

function summaryOf(rows: readonly Row[]): string {
  const { classes, contained, notContained, notRun } = resultOf(rows);
  const lines = Object.entries(classes).map(([name, count]) => [
    name,
    String(count.contained),
    String(count.notContained),
    String(count.notRun),
  ]);
  const total = ['all', String(contained), String(notContained), String(notRun)];
  const who = process.getuid?.() === 0 ? 'root' : `user ${String(process.getuid?.())}`;
  return `\n${columns([['class', 'contained', 'not contained', 'not run'], ...lines, total])}\n\n${String(
    rows.length,
  )} cases as ${who}: ${String(contained)} contained, ${String(notContained)} not contained, ${String(notRun)} not run`;
}

interface Count {
  contained: number;
  notContained: number;
  notRun: number;
}

function resultOf(rows: readonly Row[]) {
  const classes: Record<string, Count> = {};
  const all: Count = { contained: 0, notContained: 0, notRun: 0 };
  const kinds = {
    contained: 'contained',
    'NOT CONTAINED': 'notContained',
    'not run': 'notRun',
  } as const;
  for (const row of [...rows].toSorted((a, b) => a.class.localeCompare(b.class))) {
    const count = (classes[row.class] ??= { contained: 0, notContained: 0, notRun: 0 });
    count[kinds[row.verdict]] += 1;
    all[kinds[row.verdict]] += 1;
  }
  return { uid: process.getuid?.() ?? null, node: process.version, ...all, classes, cases: rows };
}
