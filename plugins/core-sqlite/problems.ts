import { HubError } from '@runtime-hub/plugin-sdk';

/** The error for a database, statement or parameter that can’t be used; `at` names the field, e.g. `/sql`. */
export const unfit = (at: string, message: string, cure: string): HubError =>
  new HubError('STEP_INPUT_INVALID', { problems: [{ at, message, cure }] });
