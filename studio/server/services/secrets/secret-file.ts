import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Sealed } from './secret-box.ts';

/** The form of a secret's name; `SecretUse` of the contract has the same. */
export const SECRET_NAME = /^[a-z][a-z0-9-]{0,63}$/u;

export interface KeptSecret {
  readonly sealed: Sealed;
  readonly createdAt: number;
  readonly usedAt: number | null;
}

type KeptSecrets = Readonly<Record<string, KeptSecret>>;

export const formatSecrets = (secrets: KeptSecrets): string =>
  `${JSON.stringify({ version: 1, secrets }, null, 2)}\n`;

/** The secrets of a file; none when there is no file. Throws HUB_REQUEST_INVALID for what was not written by `formatSecrets`. */
export function parseSecrets(text: string | null): KeptSecrets {
  if (text === null) return {};
  const document = parse(text);
  const secrets = isObject(document) && document['version'] === 1 ? document['secrets'] : null;
  if (isObject(secrets) && Object.entries(secrets).every(isEntry)) {
    // SAFETY: every entry was checked.
    return secrets as unknown as KeptSecrets;
  }
  throw new HubError('HUB_REQUEST_INVALID', {
    field: 'secrets.json',
    value: 'not of the form',
    cure: 'Restore it from a backup, or delete it and set the secrets anew.',
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isEntry([name, value]: readonly [string, unknown]): boolean {
  if (!SECRET_NAME.test(name) || !isObject(value)) return false;
  const { sealed, createdAt, usedAt } = value;
  if (!isObject(sealed) || typeof createdAt !== 'number') return false;
  if (usedAt !== null && typeof usedAt !== 'number') return false;
  return ['nonce', 'tag', 'data'].every((field) => typeof sealed[field] === 'string');
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
