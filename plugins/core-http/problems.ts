import { HubError } from '@runtime-hub/plugin-sdk';

/** The error for what a server did. */
export const failed = (message: string): HubError => new HubError('STEP_FAILED', { message });
