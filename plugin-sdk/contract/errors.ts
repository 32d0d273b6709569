import * as Type from 'typebox';
import type { Static } from 'typebox';
import { AnyJson, type Json } from './json.ts';
import { PLUGIN_ERRORS } from './errors/plugin-errors.ts';
import { REGISTRY_ERRORS } from './errors/registry-errors.ts';
import { RUN_ERRORS } from './errors/run-errors.ts';
import { SERVICE_ERRORS } from './errors/service-errors.ts';
import { TRUST_ERRORS } from './errors/trust-errors.ts';
import { HUB_ERRORS } from './errors/hub-errors.ts';
import type { Problem, Row } from './errors/row.ts';

export type { Problem };

const TABLE = {
  ...PLUGIN_ERRORS,
  ...TRUST_ERRORS,
  ...REGISTRY_ERRORS,
  ...RUN_ERRORS,
  ...SERVICE_ERRORS,
  ...HUB_ERRORS,
};

/** A code is stable for ever; the family (its first word) says whose move it is. */
export type ErrorCode = keyof typeof TABLE;
/** The data each error carries. */
export type ErrorData = {
  readonly [C in ErrorCode]: (typeof TABLE)[C] extends Row<infer Data> ? Data : never;
};
export const ERROR_TABLE: { readonly [C in ErrorCode]: Row<ErrorData[C]> } = TABLE;

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

/** The error for an input or setting that nothing can be done with; `at` names the field, e.g. `/text`. */
export const unfit = (at: string, message: string, cure: string): HubError =>
  new HubError('STEP_INPUT_INVALID', { problems: [{ at, message, cure }] });

/** The code of an error, the hub's or the system's; null for none. By its form: an error from a call is of another class, or realm, than a plugin's. */
export function codeOf(error: unknown): string | null {
  const isCoded = typeof error === 'object' && error !== null && 'code' in error;
  return isCoded && typeof error.code === 'string' ? error.code : null;
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
