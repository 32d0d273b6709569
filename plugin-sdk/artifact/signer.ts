import type { KeyObject } from 'node:crypto';
import { HubError } from '../contract/index.ts';
import type { LoggedBundle } from './bundle.ts';
import { identityOf } from './identity.ts';
import type { LogEntry } from './log/entry.ts';
import { logId, type LogKey } from './log/note.ts';
import { readPublicKey } from './public-key.ts';
import { verifyByCertificate, verifyByKey } from './stock-verifier.ts';
import type { ReleaseTrust, TrustedKey, TrustedOrigin } from './trust.ts';

/** Who signed a bundle, and where and when which log took it down. */
export interface VerifiedSigner {
  /** Hint of the key or of the certificate's identity. */
  readonly publisher: string;
  readonly origin: string;
  readonly logIndex: number;
  /** Milliseconds since 1970, by the log's clock, in whole seconds. */
  readonly loggedAt: number;
}

/**
 * Verifies signature and receipt, and that the signer was trusted for the plugin at that place of that log. Throws
 * PUBLISHER_UNTRUSTED, PUBLISHER_IDENTITY_MISMATCH, SIGNATURE_INVALID, or PUBLISHER_KEY_REVOKED, _EXPIRED or _NOT_YET_VALID.
 */
export function verifySigner(
  bundle: LoggedBundle,
  plugin: string,
  trust: ReleaseTrust,
): VerifiedSigner {
  const origin = originOf(bundle, plugin, trust.originsFor(plugin));
  const log = { origin: origin.origin, publicKey: keyOf(origin.logKey, plugin, 'the log’s key') };
  const logged = {
    origin: origin.origin,
    logIndex: Number(bundle.receipt.logIndex),
    loggedAt: Number(bundle.receipt.integratedTime) * 1000,
  };
  const { claim } = bundle;
  if ('certificate' in claim)
    return { publisher: subjectOf(bundle, plugin, origin, log), ...logged };
  const key = origin.keys.get(claim.hint);
  if (key === undefined) throw untrusted(plugin, claim.hint);
  const publicKey = keyOf(key.spki, plugin, 'the publisher’s key');
  refusing(plugin, () => verifyByKey(bundle.json, publicKey, log));
  checkBounds(key, claim.hint, plugin, logged);
  return { publisher: claim.hint, ...logged };
}

/** The origin whose log gave the receipt; it names its key by id. */
function originOf(
  { receipt, claim }: LoggedBundle,
  plugin: string,
  origins: readonly TrustedOrigin[],
): TrustedOrigin {
  const found = origins.find(({ origin, logKey }) => {
    const key = readPublicKey(logKey);
    if (key?.alg !== 'ed25519') return false;
    return logId({ origin, ...key }).toString('base64') === receipt.logId.keyId;
  });
  if (found !== undefined && namesOrigin(receipt, found.origin)) return found;
  if (found !== undefined) throw invalid(plugin, 'its log speaks for another origin');
  const hint = 'hint' in claim ? claim.hint : 'certificate';
  if (
    !origins.some(
      ({ keys, oidc }) => keys.has(hint) || (hint === 'certificate' && oidc !== undefined),
    )
  )
    throw untrusted(plugin, hint);
  throw invalid(plugin, 'no log that is trusted for it has given a receipt');
}

/** The stock verifier compares the name on the signature only, not the origin in the text that was signed. */
function namesOrigin({ inclusionProof }: LogEntry, origin: string): boolean {
  return inclusionProof.checkpoint.envelope.startsWith(`${origin}\n`);
}

/** Who a certificate stands for. */
function subjectOf(
  bundle: LoggedBundle,
  plugin: string,
  { oidc }: TrustedOrigin,
  log: LogKey,
): string {
  if (oidc === undefined) throw untrusted(plugin, 'certificate');
  const certificate = refusing(plugin, () => verifyByCertificate(bundle.json, oidc, log));
  const hint = identityOf(certificate, oidc);
  if (hint !== null) return hint;
  const detail = `${certificate.subject} of ${certificate.issuer}`.slice(0, 300);
  throw new HubError('PUBLISHER_IDENTITY_MISMATCH', { plugin, detail });
}

/** By place in the log rather than by time: what is below a pinned checkpoint nobody can add to any more. */
function checkBounds(
  bounds: TrustedKey,
  key: string,
  plugin: string,
  { logIndex, loggedAt }: Pick<VerifiedSigner, 'logIndex' | 'loggedAt'>,
): void {
  const { addedAtLogIndex, revokedAtLogIndex, notBefore, notAfter } = bounds;
  if (revokedAtLogIndex !== null && logIndex >= revokedAtLogIndex)
    throw new HubError('PUBLISHER_KEY_REVOKED', { plugin, key });
  if (logIndex < addedAtLogIndex || (notBefore !== null && loggedAt < notBefore))
    throw new HubError('PUBLISHER_KEY_NOT_YET_VALID', { plugin, key });
  if (notAfter !== null && loggedAt > notAfter)
    throw new HubError('PUBLISHER_KEY_EXPIRED', { plugin, key });
}

/** Ed25519 or P-256 only: the library itself would take any strength. A log's must be Ed25519, or no receipt names it. */
function keyOf(spki: string, plugin: string, whose: string): KeyObject {
  const key = readPublicKey(spki);
  if (key !== null) return key.publicKey;
  throw invalid(plugin, `${whose} is neither Ed25519 nor P-256`);
}

function refusing<T>(plugin: string, verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    const detail = error instanceof Error ? error.message.slice(0, 200) : 'it can’t be verified';
    throw new HubError('SIGNATURE_INVALID', { plugin, detail }, { cause: error });
  }
}

function untrusted(plugin: string, hint: string): HubError<'PUBLISHER_UNTRUSTED'> {
  return new HubError('PUBLISHER_UNTRUSTED', { plugin, key: hint.slice(0, 64) });
}

function invalid(plugin: string, detail: string): HubError<'SIGNATURE_INVALID'> {
  return new HubError('SIGNATURE_INVALID', { plugin, detail });
}
