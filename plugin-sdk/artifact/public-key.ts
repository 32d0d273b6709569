import { createPublicKey, type KeyObject } from 'node:crypto';

export type KeyAlgorithm = 'ed25519' | 'p256';

/** The key in base64 DER SubjectPublicKeyInfo; null unless it is Ed25519 or ECDSA P-256, the only two the hub believes. */
export function readPublicKey(
  spki: string,
): { readonly alg: KeyAlgorithm; readonly publicKey: KeyObject } | null {
  const publicKey = parse(spki);
  if (publicKey?.asymmetricKeyType === 'ed25519') return { alg: 'ed25519', publicKey };
  const curve = publicKey?.asymmetricKeyDetails?.namedCurve;
  if (publicKey?.asymmetricKeyType === 'ec' && curve === 'prime256v1')
    return { alg: 'p256', publicKey };
  return null;
}

function parse(spki: string): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(spki, 'base64'), type: 'spki', format: 'der' });
  } catch {
    return null;
  }
}
