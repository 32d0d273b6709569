import {
  COOL_DOWN_MS,
  requireApprovals,
  signAttestation,
  spkiOf,
  type PublisherKey,
  type Release,
} from '@runtime-hub/plugin-sdk/artifact';
import { expect, test } from 'vitest';
import { publisher, type Bundle } from '../../plugin-sdk/artifact/release-parts.ts';
import { RegistryScene } from '../../support/registry-scene.ts';
import { outcomeOf, playTries, type Try } from './tries.ts';

const scene = new RegistryScene();
const { log } = scene;
const good = await scene.release();

/** A scene of its own, since keys are changed in it. */
const after =
  (change: (it: RegistryScene, old: Release) => unknown) => async (): Promise<unknown> => {
    const own = new RegistryScene();
    return await change(own, await own.release());
  };
const DAY_MS = 86_400_000;

playTries('a key outside of its time', [
  {
    name: 'a release after its key was revoked',
    code: 'PUBLISHER_KEY_REVOKED',
    act: after(async (it) => {
      it.revoke('acme', it.acme);
      return it.admit(await it.release({ version: '1.0.1' }));
    }),
  },
  {
    name: 'a release from between the theft of its key and the revocation',
    code: 'PUBLISHER_KEY_REVOKED',
    act: after((it, stolen) => {
      it.revoke('acme', it.acme, it.admit(stolen).logIndex);
      return it.admit(stolen);
    }),
  },
  {
    name: 'a release after its key expired',
    code: 'PUBLISHER_KEY_EXPIRED',
    act: after(async (it) => {
      const next = publisher('acme-2027');
      it.addKey('acme', next, { signers: [it.acme], notAfter: it.log.at + DAY_MS });
      it.log.at += 2 * DAY_MS;
      return it.admit(await it.release({}, next));
    }),
  },
  {
    name: 'a release logged before its key was',
    code: 'PUBLISHER_KEY_NOT_YET_VALID',
    act: after(async (it) => {
      const next = publisher('acme-2027');
      const early = await it.release({}, next);
      it.addKey('acme', next, { signers: [it.acme] });
      return it.admit(early);
    }),
  },
  {
    name: 'a release by a key that an admin gave, within its cool-down',
    code: 'PUBLISHER_KEY_NOT_YET_VALID',
    act: after(async (it) => {
      const given = publisher('acme-2027');
      it.addKey('acme', given, { change: 'recovered' });
      it.log.at += COOL_DOWN_MS - 1000;
      return it.admit(await it.release({}, given));
    }),
  },
]);

test('an old release outlives the rotation and the later revocation of its key', async () => {
  const own = new RegistryScene();
  const old = await own.release();
  own.addKey('acme', publisher('acme-2027'), { signers: [own.acme] });
  own.revoke('acme', own.acme);
  expect(await outcomeOf(() => own.admit(old))).toBe('accepted');
});

const thief = publisher('thief-2026');
const recovery = publisher('acme-recovery');
/** What the log takes down of a change of keys; a hub reads its whole keyring before it trusts any of it. */
const keyed = (name: string, change: (it: RegistryScene) => void): Try => ({
  name,
  code: 'PUBLISHER_KEY_UNENDORSED',
  act: after((it, old) => {
    change(it);
    return it.admit(old);
  }),
});
const withRecovery = (it: RegistryScene): void =>
  it.addKey('acme', recovery, { role: 'recovery', signers: [it.acme] });

playTries('a change of keys that the namespace did not agree to', [
  keyed('a further key that signed itself', (it) => it.addKey('acme', thief)),
  keyed('a further key that nobody signed', (it) => it.addKey('acme', thief, { signers: [] })),
  keyed('a further key signed by another namespace’s', (it) =>
    it.addKey('acme', thief, { signers: [it.globex] }),
  ),
  keyed('a further key signed by a revoked one', (it) => {
    it.revoke('acme', it.acme);
    it.addKey('acme', thief, { signers: [it.acme] });
  }),
  keyed('a further key that the recovery key did not sign', (it) => {
    withRecovery(it);
    it.addKey('acme', thief, { signers: [it.acme] });
  }),
  keyed('a further key after a thief revoked the recovery key', (it) => {
    withRecovery(it);
    it.revoke('acme', recovery);
    it.addKey('acme', thief, { signers: [it.acme] });
  }),
  keyed('a revoked key under a new name', (it) => {
    it.revoke('acme', it.acme);
    it.addKey('acme', { ...it.acme, hint: 'again' }, { change: 'recovered' });
  }),
  keyed('another key under the name of one that was there', (it) => {
    it.addKey('acme', publisher(it.acme.hint), { signers: [it.acme] });
  }),
  keyed('the revocation of a key that is not there', (it) => it.revoke('acme', thief)),
]);

const judged = { id: 'acme/ocr', version: '1.0.0', digest: scene.admit(good).digest };
const approving = async (
  key: PublisherKey,
  more: { readonly subject?: object; readonly verdict?: 'approved' | 'refused' } = {},
): Promise<string> => {
  const { verdict = 'approved', subject = {} } = more;
  const judgement = { verdict, by: key.hint, reason: '', findings: [] };
  const signed = await signAttestation('org-approval', { ...judged, ...subject }, judgement, key);
  // SAFETY: our own signer made it.
  const { payload } = (JSON.parse(signed) as Bundle).dsseEnvelope;
  return scene.taken(Buffer.from(payload, 'base64'), key, spkiOf(key));
};
const ann = publisher('ann');
const bob = publisher('bob');
const needTwo = (name: string, bundles: () => Promise<readonly string[]>): Try => ({
  name,
  code: 'SIGNATURE_TOO_FEW',
  act: async () => {
    const keys = [ann, bob, { ...ann, hint: 'ann-too' }];
    const origin = log.trusting(keys);
    const wanted = { kind: 'org-approval', subject: judged, need: 2 } as const;
    return requireApprovals(await bundles(), wanted, { originsFor: () => [origin] });
  },
});
playTries('approvals that are too few', [
  needTwo('one approval twice', async () => [await approving(ann), await approving(ann)]),
  needTwo('one key under two names', async () => [
    await approving(ann),
    await approving({ ...ann, hint: 'ann-too' }),
  ]),
  needTwo('a stranger’s approval beside one', async () => [
    await approving(ann),
    await approving(thief),
  ]),
  needTwo('an approval of another version', async () => [
    await approving(ann),
    await approving(bob, { subject: { version: '0.9.0' } }),
  ]),
  needTwo('an approval of other bytes', async () => [
    await approving(ann),
    await approving(bob, { subject: { digest: `sha512-${'0'.repeat(128)}` } }),
  ]),
  needTwo('an approval that was taken back', async () => [
    await approving(ann),
    await approving(bob),
    await approving(bob, { verdict: 'refused' }),
  ]),
]);

test('two keys that approve are enough', async () => {
  const origin = log.trusting([ann, bob]);
  const bundles = [await approving(ann), await approving(bob)];
  const wanted = { kind: 'org-approval', subject: judged, need: 2 } as const;
  expect(requireApprovals(bundles, wanted, { originsFor: () => [origin] })).toHaveLength(2);
});
