import * as Type from 'typebox';
import type { Static } from 'typebox';
import { Finding, HubError } from '../contract/index.ts';
import { malformed, parseLoggedBundle, problemOf } from './bundle.ts';
import { guardOf } from './guard.ts';
import { normalSpki } from './public-key.ts';
import { signStatement, type PublisherKey } from './sign.ts';
import { verifySigner, type VerifiedSigner } from './signer.ts';
import { STATEMENT_TYPE, Subjects, subjectName } from './statement.ts';
import type { ReleaseTrust } from './trust.ts';

/** What others than the publisher vouch for: a machine looked at it, a person did, an organisation wants it. */
export const ATTESTATION_KINDS = ['scan', 'review', 'org-approval'] as const;
export type AttestationKind = (typeof ATTESTATION_KINDS)[number];

const closed = { additionalProperties: false } as const;
/** What was found, and by whom. */
export const Judgement = Type.Object(
  {
    verdict: Type.Unsafe<'approved' | 'refused'>({ enum: ['approved', 'refused'] }),
    /** The person, or the scanner and its version. */
    by: Type.String({ minLength: 1, maxLength: 200 }),
    reason: Type.String({ maxLength: 1000 }),
    findings: Type.Array(Finding, { maxItems: 1000 }),
  },
  closed,
);
export type Judgement = Static<typeof Judgement>;

const AttestationForm = Type.Object(
  {
    _type: Type.Literal(STATEMENT_TYPE),
    subject: Subjects,
    predicateType: Type.String(),
    predicate: Judgement,
  },
  closed,
);
const isAttestation = guardOf<Static<typeof AttestationForm>>(AttestationForm);

/** The artifact that is judged: the very one the publisher signed. */
export interface AttestationSubject {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
}

export interface VerifiedAttestation extends VerifiedSigner {
  readonly judgement: Judgement;
}

/** An attestation as a signed bundle without receipt: an in-toto statement over the same subject as the release. */
export async function signAttestation(
  kind: AttestationKind,
  { id, version, digest }: AttestationSubject,
  judgement: Judgement,
  key: PublisherKey,
): Promise<string> {
  const sha512 = digest.slice('sha512-'.length);
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name: subjectName(id, version), digest: { sha512 } }],
    predicateType: predicateType(kind),
    predicate: judgement,
  };
  return await signStatement(statement, key);
}

/**
 * Verifies that somebody who is trusted for it judged this artifact, and that a log took it down. Throws
 * SIGNATURE_MALFORMED, SIGNATURE_SUBJECT_MISMATCH, ARTIFACT_DIGEST_MISMATCH, and what `verifySigner` throws.
 */
export function verifyAttestation(
  bundleText: string,
  kind: AttestationKind,
  { id, version, digest }: AttestationSubject,
  trust: ReleaseTrust,
): VerifiedAttestation {
  const bundle = parseLoggedBundle(bundleText);
  const { statement } = bundle;
  if (!isAttestation(statement)) throw malformed(`payload: ${problemOf(isAttestation)}`);
  if (statement.predicateType !== predicateType(kind)) throw malformed(`it is no ${kind}`);
  const [subject, ...others] = statement.subject;
  if (subject === undefined || others.length > 0)
    throw malformed('it must speak of exactly one artifact');
  const expected = subjectName(id, version);
  const actual = subject.name.slice(0, 200);
  if (subject.name !== expected)
    throw new HubError('SIGNATURE_SUBJECT_MISMATCH', { expected, actual });
  const signer = verifySigner(bundle, id, trust);
  const judged = `sha512-${subject.digest.sha512}`;
  if (judged !== digest)
    throw new HubError('ARTIFACT_DIGEST_MISMATCH', {
      plugin: id,
      expected: judged,
      actual: digest,
    });
  return { ...signer, judgement: statement.predicate };
}

export interface Approvals {
  readonly kind: AttestationKind;
  readonly subject: AttestationSubject;
  /** How many different keys must approve. */
  readonly need: number;
}

/**
 * Throws SIGNATURE_TOO_FEW unless enough different keys approve, each by its last word. What is no valid attestation, or
 * of another kind or subject, does not count; one key under two names counts once.
 */
export function requireApprovals(
  bundles: readonly string[],
  { kind, subject, need }: Approvals,
  trust: ReleaseTrust,
): readonly VerifiedAttestation[] {
  const lastWords = new Map<string, VerifiedAttestation>();
  for (const bundle of bundles) {
    const attestation = attempt(() => verifyAttestation(bundle, kind, subject, trust));
    if (attestation === null) continue;
    const key = keyOf(attestation, subject.id, trust);
    const before = lastWords.get(key);
    if (before === undefined || isLater(attestation, before)) lastWords.set(key, attestation);
  }
  const approvals = [...lastWords.values()].filter((it) => it.judgement.verdict === 'approved');
  if (approvals.length >= need) return approvals;
  throw new HubError('SIGNATURE_TOO_FEW', { plugin: subject.id, got: approvals.length, need });
}

/** Seconds are coarse; within one log the place tells. */
function isLater(one: VerifiedSigner, other: VerifiedSigner): boolean {
  if (one.loggedAt !== other.loggedAt) return one.loggedAt > other.loggedAt;
  return one.origin === other.origin && one.logIndex > other.logIndex;
}

const predicateType = (kind: AttestationKind): string =>
  `https://runtime-hub.dev/attestation/${kind}/v1`;

function keyOf({ publisher, origin }: VerifiedSigner, plugin: string, trust: ReleaseTrust): string {
  const found = trust.originsFor(plugin).find((it) => it.origin === origin);
  const key = found?.keys.get(publisher);
  return (key === undefined ? null : normalSpki(key.spki)) ?? publisher;
}

function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof HubError) return null;
    throw error;
  }
}
