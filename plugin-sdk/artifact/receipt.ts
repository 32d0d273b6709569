import { HubError, type LogEvent } from '../contract/index.ts';
import { mergeReceipt, parseBundle, withoutReceipts, type Bundle } from './bundle.ts';
import { envelopeLeaf } from './log/leaf.ts';
import { record, type LocalLog } from './log/local-log.ts';
import { readPublicKey } from './public-key.ts';

/**
 * The leaf under which a log takes down a signed bundle: Rekor's dsse entry, with the event it stands for. `spki` is the
 * signer's key in base64 DER; null for a bundle that carries its certificate. Receipts it has already are passed over.
 * Throws SIGNATURE_MALFORMED.
 */
export function publicationLeaf(bundleText: string, spki: string | null, event?: LogEvent): Buffer {
  const bundle = parseBundle(withoutReceipts(bundleText));
  return envelopeLeaf({ ...bundle, verifier: verifierOf(bundle, spki) }, event);
}

/** Has a local log take down the bundle; the bundle with the log's receipt. Throws SIGNATURE_MALFORMED. */
export function logBundle(bundleText: string, spki: string | null, log: LocalLog): string {
  return mergeReceipt(bundleText, record(publicationLeaf(bundleText, spki), log));
}

function verifierOf({ claim }: Bundle, spki: string | null): string {
  if ('certificate' in claim) {
    const lines = claim.certificate.toString('base64').match(/.{1,64}/gu) ?? [];
    return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  }
  const key = spki === null ? null : readPublicKey(spki);
  if (key === null)
    throw new HubError('SIGNATURE_MALFORMED', { detail: 'its key is neither Ed25519 nor P-256' });
  return key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
}
