import { row } from './row.ts';

/** The hub itself. */
export const HUB_ERRORS = {
  HUB_NOT_RUNNING: row<{ readonly folder: string }>({
    status: 503,
    retryable: true,
    text: (d) => `No hub answers for the data folder ${d.folder}`,
    cure: 'Start one with: hub start --dev (and the same --data, if you give one)',
  }),
  HUB_BUSY: row<{ readonly folder: string }>({
    status: 409,
    retryable: true,
    text: (d) => `Another hub is using the data folder ${d.folder}`,
    cure: 'Stop it, or choose another folder with --data.',
  }),
  HUB_REQUEST_INVALID: row<{
    readonly field: string;
    readonly value: string;
    readonly cure: string;
  }>({
    status: 400,
    retryable: false,
    text: (d) => `${d.field}: “${d.value}” does not fit`,
    cure: 'See --help.',
  }),
} as const;
