import { join } from 'node:path';
import { readPublicKey, trustedRootOf } from '@runtime-hub/plugin-sdk/artifact';
import type { Clock } from './clock.ts';
import type { Log } from './log/index.ts';
import { TufRepository } from './tuf/index.ts';

/** The few files that clients pin a registry by (TUF): who its log is. Who publishes and what is revoked, the log tells. */
export interface RootOfTrust {
  readonly sha256: string;
  read(path: string): Buffer | null;
  keepFresh(): void;
}

export function openRootOfTrust(folder: string, log: Log, clock: Clock): RootOfTrust {
  const tuf = new TufRepository({ folder: join(folder, 'tuf'), now: () => clock.now() });
  const publicKey = readPublicKey(log.spki)?.publicKey;
  if (publicKey === undefined) throw new Error('the log’s key cannot be read');
  const root = JSON.stringify(trustedRootOf({ origin: log.origin, publicKey }));
  tuf.publish(new Map([['trusted_root.json', Buffer.from(root)]]));
  return {
    sha256: tuf.rootSha256,
    read: (path) => tuf.read(path),
    keepFresh: () => tuf.keepFresh(),
  };
}
