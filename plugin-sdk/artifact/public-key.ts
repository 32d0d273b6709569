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

/** The one text of a key that has many: base64 DER with an uncompressed point; null as for `readPublicKey`. */
export function normalSpki(spki: string): string | null {
  const key = readPublicKey(spki);
  if (key === null) return null;
  const jwk = key.publicKey.export({ format: 'jwk' });
  const again = createPublicKey({ key: jwk, format: 'jwk' });
  return again.export({ type: 'spki', format: 'der' }).toString('base64');
}

function parse(spki: string): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(spki, 'base64'), type: 'spki', format: 'der' });
  } catch {
    return null;
  }
}
