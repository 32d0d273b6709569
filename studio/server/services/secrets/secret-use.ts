import type { SecretUse } from '@runtime-hub/plugin-sdk/contract';
import type { SecretSource } from './secret-store.ts';

/** What stands in the place of a secret’s use. Throws SECRET_NOT_FOUND. */
export function revealed(
  { $secret, prefix = '', form = 'plain' }: SecretUse,
  secrets: Pick<SecretSource, 'reveal'>,
): string {
  const value = secrets.reveal($secret);
  return prefix + (form === 'basic' ? Buffer.from(value).toString('base64') : value);
}
