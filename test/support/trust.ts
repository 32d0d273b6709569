import { writeFileSync } from 'node:fs';
import { openTrust, policyFile } from '../../studio/server/store/keys.ts';

/** Lets the folder's developer key sign for more than core/*. */
export function applyPolicy(folder: string, namespaces: readonly string[]): void {
  const policy = openTrust(folder);
  const signers = policy.namespaces[0]?.signers ?? [];
  const more = namespaces.map((match) => ({ match, signers }));
  const file = policyFile(folder);
  writeFileSync(file, JSON.stringify({ ...policy, namespaces: [...policy.namespaces, ...more] }));
}
