import { readFileSync } from 'node:fs';
import { parseTrustPolicy, type TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import { replaceFile } from '../store/durable-file.ts';
import { openTrust, policyFile } from '../store/keys.ts';

/** The trust policy as it is now, and the one way in which the hub itself changes it. */
export interface PolicyFile {
  readonly policy: TrustPolicy;
  /** Reads the file anew, since an admin may have edited it, and writes what `edit` makes of it. Throws HUB_REQUEST_INVALID. */
  change(edit: (policy: TrustPolicy) => TrustPolicy): void;
  onChange(listener: (policy: TrustPolicy) => void): void;
}

export function openPolicy(folder: string): PolicyFile {
  let policy = openTrust(folder);
  const listeners: ((policy: TrustPolicy) => void)[] = [];
  return {
    get policy() {
      return policy;
    },
    change(edit) {
      const file = policyFile(folder);
      const next = parseTrustPolicy(
        edit(parseTrustPolicy(JSON.parse(readFileSync(file, 'utf8')) as unknown)),
      );
      replaceFile(file, Buffer.from(`${JSON.stringify(next, null, 2)}\n`));
      policy = next;
      for (const listener of listeners) listener(next);
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
