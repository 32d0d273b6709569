import { HubError, type ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, test } from 'vitest';

/** One thing an attacker tries, and the error that stops it. */
export interface Try {
  /** A sentence's subject: what is tried. */
  readonly name: string;
  readonly code: ErrorCode;
  /** For ARTIFACT_MALFORMED: the rule that is broken. */
  readonly rule?: string;
  readonly act: () => unknown;
}

/** Makes each try a test: it is refused, with its own code. */
export function playTries(what: string, tries: readonly Try[]): void {
  describe(what, () => {
    test.for(tries.map((it) => [it.name, it] as const))(
      '%s is refused',
      async ([, { act, code, rule }], { task }) => {
        const outcome = await outcomeOf(act);
        task.meta.outcome = outcome;
        expect(outcome).toBe(rule === undefined ? code : `${code}: ${rule}`);
      },
    );
  });
}

/** The code of the error that `act` ends with, with the rule of a malformed artifact; `accepted` when it has none. */
export async function outcomeOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (HubError.is(error, 'ARTIFACT_MALFORMED')) return `${error.code}: ${error.data.rule}`;
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return 'accepted';
}
