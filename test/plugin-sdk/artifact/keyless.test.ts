import { inspect } from 'node:util';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { describe, expect, test } from 'vitest';
import {
  mergeReceipt,
  publicationLeaf,
  trustedRootOf,
  signArtifact,
  verifyRelease,
  verifyUnlogged,
  type OidcIdentity,
  type OidcTrust,
  type ReleaseTrust,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { createPublicKey } from 'node:crypto';
import {
  CLAIMS,
  WORKFLOW,
  authority,
  rootFor,
  serve,
  serveFulcio,
  tokenOf,
  type Authority,
} from './ci.ts';
import { RegistryLog } from './registry-log.ts';
import { artifactFor, publisher, verdictOf } from './release-parts.ts';
import { refusalOf } from './tar-parts.ts';

const MINUTE_MS = 60_000;
const artifact = artifactFor();
const fulcio = await authority();
const IDENTITY: OidcIdentity = {
  issuer: CLAIMS.iss,
  subject: WORKFLOW.replace('v1.0.0', '*'),
  repositoryId: '1001',
  ownerId: '2002',
};

async function signedBy(of: Authority, claims: object = {}): Promise<string> {
  await using server = await serveFulcio(of);
  return await signArtifact(artifact, {
    fulcioUrl: server.url,
    idToken: tokenOf({ ...CLAIMS, ...claims }),
  });
}

/** As a registry does it: takes it down a moment later, gives its receipt. */
function published(bundle: string, log = new RegistryLog(), afterMs = 1000): string {
  log.at = Date.now() + afterMs;
  return mergeReceipt(bundle, log.receipt(log.append(publicationLeaf(bundle, null))));
}

const trustedRoot = rootFor(fulcio, fulcio);
const oidcOf = (identity: Partial<OidcIdentity> = {}, root = trustedRoot): OidcTrust => ({
  trustedRoot: root,
  identities: new Map([['acme-ci', { ...IDENTITY, ...identity }]]),
});
const trusting = (log: RegistryLog, oidc = oidcOf()): ReleaseTrust => ({
  originsFor: () => [{ ...log.trusting([]), oidc }],
});

async function verdictFor({
  claims = {},
  identity = {},
  by = fulcio,
  root = trustedRoot,
  afterMs = 1000,
}: {
  readonly claims?: object;
  readonly identity?: Partial<OidcIdentity>;
  readonly by?: Authority;
  readonly root?: unknown;
  readonly afterMs?: number;
}): Promise<string> {
  const log = new RegistryLog();
  const bundle = published(await signedBy(by, claims), log, afterMs);
  return verdictOf(artifact, bundle, trusting(log, oidcOf(identity, root)));
}

describe('a release that a CI job signed without a key of its own', () => {
  test('is accepted from the workflow, repository and owner that are trusted', async () => {
    const log = new RegistryLog();
    const bundle = published(await signedBy(fulcio), log);
    const release = verifyRelease(artifact, bundle, trusting(log));
    expect(release).toMatchObject({ publisher: 'acme-ci', origin: log.origin, logIndex: 0 });
  });

  test('passes the stock verifier with its default thresholds and the registry’s receipt alone', async () => {
    const log = new RegistryLog();
    const bundle = published(await signedBy(fulcio), log);
    const ours = trustedRootOf({ origin: log.origin, publicKey: createPublicKey(log.privateKey) });
    // SAFETY: both are objects of the trusted root's form.
    const root = TrustedRoot.fromJSON({ ...(trustedRoot as object), ...ours });
    const policy = { subjectAlternativeName: WORKFLOW, extensions: { issuer: CLAIMS.iss } };
    const entity = toSignedEntity(bundleFromJSON(JSON.parse(bundle)));
    expect(() => new Verifier(toTrustMaterial(root)).verify(entity, policy)).not.toThrow();
  });

  test('is verified before it is logged as well', async () => {
    const bundle = await signedBy(fulcio);
    const check = (oidc: OidcTrust) =>
      refusalOf(() => verifyUnlogged(artifact, bundle, { keys: new Map(), oidc }));
    expect(check(oidcOf())).toBe('accepted');
    expect(check(oidcOf({ ownerId: '6666' }))).toBe('PUBLISHER_IDENTITY_MISMATCH');
    expect(refusalOf(() => verifyUnlogged(artifact, bundle, { keys: new Map() }))).toBe(
      'PUBLISHER_UNTRUSTED',
    );
  });
});

describe('an identity that only resembles the trusted one is refused', () => {
  const MISMATCH = 'PUBLISHER_IDENTITY_MISMATCH';
  test.each([
    ['a token of another issuer', { claims: { iss: 'https://token.evil.example' } }],
    [
      'a repository whose name begins alike',
      { claims: { san: WORKFLOW.replace('acme/ocr/', 'acme/ocr-pack/') } },
    ],
    [
      'a repository whose name ends alike',
      { claims: { san: WORKFLOW.replace('acme/ocr/', 'evil-acme/ocr/') } },
    ],
    [
      'an address that holds the trusted one',
      { claims: { san: `https://evil.example/?${WORKFLOW}` } },
    ],
    ['an address that goes on after it', { claims: { san: `${WORKFLOW}@refs/tags/v9` } }],
    [
      'a dot that stands for any letter',
      { claims: { san: WORKFLOW.replace('github.com', 'githubxcom') } },
    ],
    [
      'another workflow of the repository',
      { claims: { san: WORKFLOW.replace('release.yml', 'pull-request.yml') } },
    ],
    [
      'a branch in place of a tag',
      { claims: { san: WORKFLOW.replace('refs/tags/v1.0.0', 'refs/heads/v1.0.0') } },
    ],
    ['no ref at all', { claims: { san: WORKFLOW.replace('v1.0.0', '') } }],
    ['a fork with the same workflow', { claims: { repository_id: '1002' } }],
    ['an organisation that took over a freed name', { claims: { repository_owner_id: '2003' } }],
    ['a repository id that holds the trusted one', { claims: { repository_id: '11001' } }],
    ['no repository id', { claims: { repository_id: undefined } }],
    ['no owner id', { claims: { repository_owner_id: undefined } }],
    ['a policy with an empty subject', { identity: { subject: '' } }],
    ['a policy with an empty issuer', { identity: { issuer: '' } }],
    ['a policy with an empty repository id', { identity: { repositoryId: '' } }],
    ['a policy with an empty owner id', { identity: { ownerId: '' } }],
    ['a policy that leaves everything open', { identity: { subject: '*' } }],
    [
      'a policy that leaves the repository open',
      { identity: { subject: 'https://github.com/acme/*' } },
    ],
    [
      'a policy that leaves the workflow open',
      { identity: { subject: 'https://github.com/acme/ocr/*' } },
    ],
    [
      'a policy that leaves the kind of ref open',
      { identity: { subject: WORKFLOW.replace('tags/v1.0.0', '*') } },
    ],
    [
      'a policy with two stars',
      { identity: { subject: WORKFLOW.replace('acme', '*').replace('v1.0.0', '*') } },
    ],
    ['a policy with an expression', { identity: { subject: '.*' } }],
  ] as const)('%s', async (_name, how) => {
    expect(await verdictFor(how)).toBe(MISMATCH);
  });

  test('while the exact subject is accepted', async () => {
    expect(await verdictFor({ identity: { subject: WORKFLOW } })).toBe('accepted');
  });
});

describe('a certificate that does not hold is refused', () => {
  test('of an authority that nobody trusts', async () => {
    expect(await verdictFor({ by: await authority() })).toBe('SIGNATURE_INVALID');
  });

  test('that no transparency log has seen, or another one', async () => {
    expect(await verdictFor({ root: rootFor(fulcio, await authority()) })).toBe(
      'SIGNATURE_INVALID',
    );
    const silent = await authority({ isLogged: false });
    expect(await verdictFor({ by: silent, root: rootFor(silent, silent) })).toBe(
      'SIGNATURE_INVALID',
    );
  });

  test('that was over, or not yet begun, when the registry took the release down', async () => {
    expect(await verdictFor({ afterMs: 9 * MINUTE_MS })).toBe('accepted');
    expect(await verdictFor({ afterMs: 11 * MINUTE_MS })).toBe('SIGNATURE_INVALID');
    expect(await verdictFor({ afterMs: -11 * MINUTE_MS })).toBe('SIGNATURE_INVALID');
  });

  test('where keys alone are trusted, or nobody', async () => {
    const log = new RegistryLog();
    const bundle = published(await signedBy(fulcio), log);
    expect(verdictOf(artifact, bundle, { originsFor: () => [log.trusting([publisher()])] })).toBe(
      'PUBLISHER_UNTRUSTED',
    );
    expect(verdictOf(artifact, bundle, trusting(log, { trustedRoot, identities: new Map() }))).toBe(
      'PUBLISHER_IDENTITY_MISMATCH',
    );
  });

  test('without a receipt, or with one of another log', async () => {
    const bundle = await signedBy(fulcio);
    const log = new RegistryLog();
    expect(verdictOf(artifact, bundle, trusting(log))).toBe('SIGNATURE_MALFORMED');
    expect(verdictOf(artifact, published(bundle, new RegistryLog()), trusting(log))).toBe(
      'SIGNATURE_INVALID',
    );
  });

  test('with a root that is none', async () => {
    for (const root of [null, {}, { certificateAuthorities: [] }, 'text'])
      expect(await verdictFor({ root })).toBe('SIGNATURE_INVALID');
  });

  test('that is no certificate', async () => {
    const log = new RegistryLog();
    // SAFETY: published made it.
    const bundle = JSON.parse(published(await signedBy(fulcio), log)) as {
      verificationMaterial: { certificate: { rawBytes: string } };
    };
    for (const rawBytes of [
      'AAAA',
      'MAA=',
      bundle.verificationMaterial.certificate.rawBytes.slice(0, 400),
    ]) {
      bundle.verificationMaterial.certificate.rawBytes = rawBytes;
      expect(verdictOf(artifact, JSON.stringify(bundle), trusting(log))).toBe('SIGNATURE_INVALID');
    }
  });
});

describe('no error tells the ID token', () => {
  const secret = 'c2VjcmV0LW9mLXRoZS1qb2I';
  const told = async (fulcioUrl: string, idToken: string): Promise<string> => {
    const error: unknown = await signArtifact(artifact, { fulcioUrl, idToken }).then(
      () => null,
      (it: unknown) => it,
    );
    if (!HubError.is(error, 'SIGNATURE_CERTIFICATE_REFUSED')) throw error;
    return inspect(error, { depth: Infinity, showHidden: true }) + JSON.stringify(error.data);
  };

  test.each([
    ['is no token', secret],
    ['has no claims', `${secret}.${secret}.${secret}`],
    ['has parts that are no JSON', `${secret}.e30.${secret}`],
  ])('when it %s', async (_name, token) => {
    expect(await told('http://127.0.0.1:1', token)).not.toContain(secret);
  });

  test('when the authority refuses it and says it back', async () => {
    const token = tokenOf({ ...CLAIMS, jti: secret });
    await using server = await serve(
      async (body) => await Promise.resolve({ statusCode: 400, response: body }),
    );
    const text = await told(server.url, token);
    expect(text).not.toContain(token.split('.')[1]);
    expect(text).toContain('400');
  });

  test('when the authority is not there, or answers nonsense', async () => {
    const token = tokenOf({ ...CLAIMS, jti: secret });
    await using server = await serve(
      async () => await Promise.resolve({ statusCode: 201, response: '{}' }),
    );
    for (const url of ['http://127.0.0.1:1', server.url])
      expect(await told(url, token)).not.toContain(token.split('.')[1]);
  });
});
