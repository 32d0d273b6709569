import {
  mergeReceipt,
  publicationLeaf,
  signArtifact,
  verifyRelease,
  type OidcIdentity,
} from '@runtime-hub/plugin-sdk/artifact';
import { expect, test } from 'vitest';
import {
  CLAIMS,
  WORKFLOW,
  authority,
  rootFor,
  serveFulcio,
  tokenOf,
  type Authority,
} from '../../plugin-sdk/artifact/ci.ts';
import { RegistryLog } from '../../plugin-sdk/artifact/registry-log.ts';
import { artifactFor } from '../../plugin-sdk/artifact/release-parts.ts';
import { outcomeOf, playTries, type Try } from './tries.ts';

const artifact = artifactFor();
const fulcio = await authority();
const TRUSTED: OidcIdentity = {
  issuer: CLAIMS.iss,
  subject: WORKFLOW.replace('v1.0.0', '*'),
  repositoryId: CLAIMS.repository_id,
  ownerId: CLAIMS.repository_owner_id,
};

interface Job {
  /** What the job's token says that the trusted one's does not. */
  readonly claims?: object;
  readonly by?: Authority;
  readonly identity?: Partial<OidcIdentity>;
  /** When the registry took it down, after now. */
  readonly afterMs?: number;
}

/** Signs as a CI job does, has a log take it down, and verifies as a hub that trusts one workflow. */
async function releasedBy({ claims = {}, by = fulcio, identity = {}, afterMs = 1000 }: Job) {
  await using server = await serveFulcio(by);
  const idToken = tokenOf({ ...CLAIMS, ...claims });
  const bundle = await signArtifact(artifact, { fulcioUrl: server.url, idToken });
  const log = new RegistryLog();
  log.at = Date.now() + afterMs;
  const merged = mergeReceipt(bundle, log.receipt(log.append(publicationLeaf(bundle, null))));
  const identities = new Map([['acme-ci', { ...TRUSTED, ...identity }]]);
  const oidc = { trustedRoot: rootFor(fulcio, fulcio), identities };
  const origin = { ...log.trusting([]), oidc };
  return verifyRelease(artifact, merged, { originsFor: () => [origin] });
}

test('the job that these attacks imitate is believed', async () => {
  expect(await outcomeOf(async () => await releasedBy({}))).toBe('accepted');
});

const as = (name: string, job: Job, code: Try['code'] = 'PUBLISHER_IDENTITY_MISMATCH'): Try => ({
  name,
  code,
  act: async () => await releasedBy(job),
});
const workflow = (san: string): Job => ({ claims: { san } });

playTries('a build job that is another', [
  as('a repository whose name goes on', workflow(WORKFLOW.replace('acme/ocr', 'acme/ocr-pack'))),
  as('a repository whose owner ends alike', workflow(WORKFLOW.replace('acme/', 'not-acme/'))),
  as('a subject with the right one in its query', workflow(`https://evil.example/?${WORKFLOW}`)),
  as('another workflow of the repository', workflow(WORKFLOW.replace('release.yml', 'test.yml'))),
  as('a branch in place of a tag', workflow(WORKFLOW.replace('refs/tags/v1.0.0', 'refs/heads/x'))),
  as('a ref with a space and the right one behind it', workflow(`${WORKFLOW} @refs/tags/v1.0.0`)),
  as('a dot that a pattern would take for any letter', workflow(WORKFLOW.replace('.com', 'xcom'))),
  as('a fork with a workflow of the same name', { claims: { repository_id: '6666' } }),
  as('an organisation that took over a name that was given up', {
    claims: { repository_owner_id: '6666' },
  }),
  as('another issuer', { claims: { iss: 'https://token.evil.example' } }),
  as('an issuer whose name goes on', { claims: { iss: `${CLAIMS.iss}.evil.example` } }),
  as('any job, where the trusted subject is empty', { identity: { subject: '' } }),
  as('any job, where the trusted subject is a star', { identity: { subject: '*' } }),
  as('any repository, where its id is empty', { identity: { repositoryId: '' } }),
  as('a certificate of a stranger’s authority', { by: await authority() }, 'SIGNATURE_INVALID'),
  as(
    'a certificate that no certificate log has seen',
    { by: { ...(await authority({ isLogged: false })) } },
    'SIGNATURE_INVALID',
  ),
  as('a certificate used a day after it was over', { afterMs: 86_400_000 }, 'SIGNATURE_INVALID'),
  as('a certificate used a day before it began', { afterMs: -86_400_000 }, 'SIGNATURE_INVALID'),
]);
