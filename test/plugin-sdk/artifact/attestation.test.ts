import { describe, expect, test } from 'vitest';
import {
  logBundle,
  readArtifact,
  requireApprovals,
  signArtifact,
  signAttestation,
  spkiOf,
  unboundedKey,
  verifyAttestation,
  type AttestationKind,
  type Judgement,
  type PublisherKey,
  type ReleaseTrust,
} from '@runtime-hub/plugin-sdk/artifact';
import { signStatement } from '../../../plugin-sdk/artifact/sign.ts';
import { artifactFor, logAt, publisher } from './release-parts.ts';
import { refusalOf } from './tar-parts.ts';

const artifact = artifactFor();
const subject = { id: 'acme/ocr', version: '1.0.0', digest: readArtifact(artifact).digest };
const log = logAt('org.example');
const approved: Judgement = {
  verdict: 'approved',
  by: 'ann@acme.example',
  reason: 'read it',
  findings: [],
};
const refused: Judgement = { ...approved, verdict: 'refused' };
const ann = publisher('ann');
const ben = publisher('ben', 'p256');
const eve = publisher('eve');

function trusting(keys: readonly (readonly [string, PublisherKey])[]): ReleaseTrust {
  const known = new Map(keys.map(([hint, key]) => [hint, unboundedKey(spkiOf(key))]));
  return { originsFor: () => [{ origin: log.origin, logKey: spkiOf(log), keys: known }] };
}
const trust = trusting([
  ['ann', ann],
  ['ben', ben],
]);

async function judge(
  key: PublisherKey,
  judgement = approved,
  kind: AttestationKind = 'org-approval',
  of = subject,
): Promise<string> {
  return logBundle(await signAttestation(kind, of, judgement, key), spkiOf(key), log);
}
const verdict = (bundle: string, kind: AttestationKind = 'org-approval', of = subject): string =>
  refusalOf(() => verifyAttestation(bundle, kind, of, trust));
const counted = (bundles: readonly string[], need: number, by = trust): string =>
  refusalOf(() => requireApprovals(bundles, { kind: 'org-approval', subject, need }, by));

describe('an attestation', () => {
  test.each(['scan', 'review', 'org-approval'] as const)(
    'of the kind %s tells who judged this very artifact, and how',
    async (kind) => {
      const findings = [
        {
          rule: 'readme-missing',
          severity: 'advice',
          file: null,
          line: null,
          message: 'none',
          cure: 'write one',
        } as const,
      ];
      const bundle = await judge(ann, { ...approved, findings }, kind);
      expect(verifyAttestation(bundle, kind, subject, trust)).toMatchObject({
        publisher: 'ann',
        origin: 'org.example',
        judgement: { verdict: 'approved', findings },
      });
    },
  );

  test('is refused for another plugin, version, artifact or kind, or by a stranger', async () => {
    const bundle = await judge(ann);
    expect(verdict(bundle, 'org-approval', { ...subject, id: 'acme/other' })).toBe(
      'SIGNATURE_SUBJECT_MISMATCH',
    );
    expect(verdict(bundle, 'org-approval', { ...subject, version: '1.0.1' })).toBe(
      'SIGNATURE_SUBJECT_MISMATCH',
    );
    expect(
      verdict(bundle, 'org-approval', { ...subject, digest: `sha512-${'0'.repeat(128)}` }),
    ).toBe('ARTIFACT_DIGEST_MISMATCH');
    expect(verdict(bundle, 'review')).toBe('SIGNATURE_MALFORMED');
    expect(verdict(await judge(eve))).toBe('PUBLISHER_UNTRUSTED');
    expect(verdict(await judge({ ...eve, hint: 'ann' }))).toBe('SIGNATURE_INVALID');
  });

  test('without a log’s receipt is refused', async () => {
    expect(verdict(await signAttestation('org-approval', subject, approved, ann))).toBe(
      'SIGNATURE_MALFORMED',
    );
  });

  test('is not the publisher’s release, even from a key that may do both', async () => {
    expect(verdict(logBundle(await signArtifact(artifact, ann), spkiOf(ann), log))).toBe(
      'SIGNATURE_MALFORMED',
    );
  });

  test.each([
    ['no verdict', { by: 'x', reason: '', findings: [] }],
    ['another verdict', { ...approved, verdict: 'maybe' }],
    ['one field more', { ...approved, more: 1 }],
    ['nobody who judged', { ...approved, by: '' }],
    ['no predicate', null],
  ])('with %s is refused', async (_name, predicate) => {
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'pkg:hub/acme/ocr@1.0.0', digest: { sha512: subject.digest.slice(7) } }],
      predicateType: 'https://runtime-hub.dev/attestation/org-approval/v1',
      predicate,
    };
    expect(verdict(logBundle(await signStatement(statement, ann), spkiOf(ann), log))).toBe(
      'SIGNATURE_MALFORMED',
    );
  });
});

describe('a threshold of approvals', () => {
  test('is met by as many different keys', async () => {
    const both = [await judge(ann), await judge(ben)];
    expect(counted(both, 2)).toBe('accepted');
    expect(counted(both, 3)).toBe('SIGNATURE_TOO_FEW');
    expect(counted([], 1)).toBe('SIGNATURE_TOO_FEW');
  });

  test('is not met by one key that signs twice, nor by one key under two names', async () => {
    expect(counted([await judge(ann), await judge(ann)], 2)).toBe('SIGNATURE_TOO_FEW');
    const twice = trusting([
      ['ann', ann],
      ['also-ann', ann],
    ]);
    expect(counted([await judge(ann), await judge({ ...ann, hint: 'also-ann' })], 2, twice)).toBe(
      'SIGNATURE_TOO_FEW',
    );
    const spaced = { ...unboundedKey(`${spkiOf(ann)}\n`) };
    const origin = {
      origin: log.origin,
      logKey: spkiOf(log),
      keys: new Map([
        ['ann', unboundedKey(spkiOf(ann))],
        ['also-ann', spaced],
      ]),
    };
    expect(
      counted([await judge(ann), await judge({ ...ann, hint: 'also-ann' })], 2, {
        originsFor: () => [origin],
      }),
    ).toBe('SIGNATURE_TOO_FEW');
  });

  test('counts no refusal, and of each key its last word', async () => {
    expect(counted([await judge(ann), await judge(ben, refused)], 2)).toBe('SIGNATURE_TOO_FEW');
    const [yes, no] = [await judge(ann), await judge(ann, refused)];
    for (const both of [
      [yes, no],
      [no, yes],
    ])
      expect(counted(both, 1)).toBe('SIGNATURE_TOO_FEW');
    expect(counted([no, await judge(ann)], 1)).toBe('accepted');
  });

  test('is not moved by strangers, other artifacts, other kinds or noise', async () => {
    const noise = [
      '',
      '{}',
      await judge(eve),
      await judge(ben, approved, 'review'),
      await judge(ben, approved, 'org-approval', { ...subject, version: '9.9.9' }),
    ];
    expect(counted([...noise, await judge(ann)], 2)).toBe('SIGNATURE_TOO_FEW');
    expect(counted([...noise, await judge(ann)], 1)).toBe('accepted');
  });
});
