import { HubError } from '@runtime-hub/plugin-sdk';

/** The error for an input or setting that a node can't work with; `at` names the field, e.g. `/text`. */
export const unfit = (at: string, message: string, cure: string): HubError =>
  new HubError('STEP_INPUT_INVALID', { problems: [{ at, message, cure }] });
