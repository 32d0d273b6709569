import { writeFileSync } from 'node:fs';
import type { TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import { openTrust, policyFile } from '../../studio/server/store/keys.ts';

/** Lets the folder's developer key sign for more than core/*; `set` changes more of the policy. */
export function applyPolicy(
  folder: string,
  namespaces: readonly string[],
  set: Partial<TrustPolicy> = {},
): void {
  const policy = openTrust(folder);
  const signers = policy.namespaces[0]?.signers ?? [];
  const more = namespaces.map((match) => ({ match, signers }));
  const file = policyFile(folder);
  writeFileSync(
    file,
    JSON.stringify({ ...policy, ...set, namespaces: [...policy.namespaces, ...more] }),
  );
}
