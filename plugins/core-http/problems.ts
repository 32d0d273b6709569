import { HubError } from '@runtime-hub/plugin-sdk';

/** The error for a setting or input that can’t be sent; `at` names the field, e.g. `/url`. */
export const unfit = (at: string, message: string, cure: string): HubError =>
  new HubError('STEP_INPUT_INVALID', { problems: [{ at, message, cure }] });

/** The error for what a server did. */
export const failed = (message: string): HubError => new HubError('STEP_FAILED', { message });
