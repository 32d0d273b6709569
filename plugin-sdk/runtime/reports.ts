import type { ErrorReport, Json, JsonObject, SegmentStep, StepReport } from '../contract/index.ts';
import { ERROR_TABLE, HubError, reportOf } from '../contract/index.ts';
import type { Validators } from './validators.ts';

/** Families of codes that plugin code may throw; any other code would speak for the hub. */
const OWN_FAMILIES = /^(STEP|SCREEN|CAPABILITY|BLOB|STATE|NET|FILE|PROCESS|SECRET)_/u;

/** An error as plugin code gave it, made a report the hub can rely on. */
export function errorReportOf(raw: unknown): ErrorReport {
  const { code, message, data } = isObject(raw) ? raw : {};
  const text = (typeof message === 'string' ? message : 'unreadable error').slice(0, 4000);
  if (typeof code === 'string' && OWN_FAMILIES.test(code) && isCode(code) && code !== 'STEP_FAILED')
    return { code, message: text, data: data ?? null, retryable: ERROR_TABLE[code].retryable };
  return reportOf(new HubError('STEP_FAILED', { message: text }));
}

/**
 * The reports of one `run` after every output, and every input that a link brought, was checked against the node types.
 * Cut after the first step that failed. Null when they are not reports of this segment at all.
 */
export function checkReports(
  raw: unknown,
  steps: ReadonlyMap<string, SegmentStep>,
  validators: Validators,
): readonly StepReport[] | null {
  if (!Array.isArray(raw)) return null;
  const given = new Map<string, JsonObject>();
  const reports: StepReport[] = [];
  for (const item of raw as readonly unknown[]) {
    const node = isObject(item) ? item['node'] : null;
    const step = typeof node === 'string' ? steps.get(node) : undefined;
    if (!isObject(item) || step === undefined || given.has(step.node)) return null;
    const report = checkReport(item, step, given, validators);
    if (report === null) return null;
    reports.push(report);
    if (!report.ok) break;
    given.set(step.node, report.outputs);
  }
  return reports;
}

function checkReport(
  item: JsonObject,
  step: SegmentStep,
  given: ReadonlyMap<string, JsonObject>,
  validators: Validators,
): StepReport | null {
  const { ok, outputs, ms, error } = item;
  if (typeof ms !== 'number') return null;
  const linked = linkedInputs(step, given);
  const wrongInputs = linked === null ? null : validators.problems('inputs', step.type, linked);
  if (wrongInputs !== null) {
    const cause = new HubError('STEP_INPUT_INVALID', { problems: wrongInputs });
    return { node: step.node, ok: false, error: reportOf(cause), ms };
  }
  if (ok !== true) return { node: step.node, ok: false, error: errorReportOf(error), ms };
  if (!isObject(outputs)) return null;
  const problems = validators.problems('outputs', step.type, outputs);
  // SAFETY: each of its fields was checked above.
  if (problems === null) return item as unknown as Extract<StepReport, { ok: true }>;
  const cause = new HubError('STEP_OUTPUT_INVALID', { problems });
  return { node: step.node, ok: false, error: reportOf(cause), ms };
}

function linkedInputs(
  step: SegmentStep,
  given: ReadonlyMap<string, JsonObject>,
): Record<string, Json> | null {
  let inputs: Record<string, Json> | null = null;
  for (const input of Object.keys(step.links)) {
    const link = step.links[input];
    if (link === undefined || input === 'run' || link.port === 'done') continue;
    const value = given.get(link.from)?.[link.port];
    if (value === undefined) continue;
    inputs ??= {};
    inputs[input] = value;
  }
  return inputs;
}

const isCode = (code: string): code is keyof typeof ERROR_TABLE => Object.hasOwn(ERROR_TABLE, code);

/** True for a JSON object, which arrays are not. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
