import { hash, randomBytes } from 'node:crypto';

/** What makes the names of a private namespace unguessable; only its readers are told. */
export const newSalt = (): string => randomBytes(32).toString('hex');

/** How the log names what is private: `sha256:<hex>` of the salt, a newline and the name. */
export function concealed(salt: string, name: string): string {
  return `sha256:${hash('sha256', `${salt}\n${name}`)}`;
}
