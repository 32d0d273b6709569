import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  signRelease,
  type LogStore,
  readTrustPolicy,
  type TrustPolicy,
} from '@runtime-hub/plugin-sdk/artifact';
import { spkiOf } from '../audit/head.ts';

const LOG_ORIGIN = 'local.runtime-hub.dev';

/** Opens the folder's trust policy; the first time makes a developer key, a log key and a policy that names them for `core/*`. */
export function openTrust(folder: string): TrustPolicy {
  const file = policyFile(folder);
  if (!existsSync(file)) {
    const developer = openKey(folder, 'developer');
    const policy: TrustPolicy = {
      version: 1,
      keys: { [hintOf(developer)]: { spki: publicPartOf(developer), alg: 'ed25519' } },
      log: { origin: LOG_ORIGIN, spki: publicPartOf(openKey(folder, 'log')) },
      namespaces: [{ match: 'core/*', signers: [hintOf(developer)] }],
      drivers: ['core/*'],
      autoGrant: ['log', 'blobs', 'state'],
      minIsolation: 'strong',
    };
    writeFileSync(file, `${JSON.stringify(policy, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  }
  return readTrustPolicy(readFileSync(file, 'utf8'));
}

/** Where the admin edits the trust policy. */
export function policyFile(folder: string): string {
  return join(folder, 'trust-policy.json');
}

/** Signs an artifact with this hub's developer key and its local log; the bundle's text. */
export async function signWithDeveloperKey(folder: string, artifact: Uint8Array): Promise<string> {
  const developer = openKey(folder, 'developer');
  return await signRelease(
    artifact,
    { hint: hintOf(developer), privateKey: developer },
    { origin: LOG_ORIGIN, privateKey: openKey(folder, 'log'), store: openLog(folder) },
  );
}

/** The key that signs the heads of the audit: the log's. Its public part stands beside it, for whoever verifies. */
export function auditKey(folder: string): KeyObject {
  const key = openKey(folder, 'log');
  const file = publicKeyFile(folder);
  if (!existsSync(file)) writeFileSync(file, `${publicPartOf(key)}\n`, { mode: 0o600 });
  return key;
}

/** The key that signs the heads of the audit, SPKI as base64; null in a folder where none was signed. */
export function auditPublicKey(folder: string): string | null {
  const file = publicKeyFile(folder);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

const publicKeyFile = (folder: string): string => join(folder, 'keys', 'log.spki');

/** The folder's Ed25519 key of that name, made at first use; readable by its owner only. */
function openKey(folder: string, name: 'developer' | 'log'): KeyObject {
  const keys = join(folder, 'keys');
  const file = join(keys, `${name}.pem`);
  if (!existsSync(file)) {
    mkdirSync(keys, { recursive: true, mode: 0o700 });
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
      flag: 'wx',
    });
  }
  return createPrivateKey(readFileSync(file));
}

/** Public part of a private key, SPKI as base64. */
const publicPartOf = (key: KeyObject): string => spkiOf(createPublicKey(key));

function hintOf(key: KeyObject): string {
  return `dev-${createHash('sha256').update(publicPartOf(key)).digest('hex').slice(0, 8)}`;
}

/** Leaf hashes, one line of hex each. */
function openLog(folder: string): LogStore {
  const file = join(folder, 'keys', 'log-leaves.txt');
  return {
    leaves: () => {
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
      return lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'hex'));
    },
    append: (leaf) => appendFileSync(file, `${leaf.toString('hex')}\n`, { mode: 0o600 }),
  };
}
