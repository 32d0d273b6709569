import fc from 'fast-check';
import { expect, test } from 'vitest';
import { artifactFor, logAt, publisher, signRelease, trustIn, verdictOf } from './release-parts.ts';

const RUNS = { numRuns: 300 };
const REFUSAL =
  /^(?:SIGNATURE_MALFORMED|SIGNATURE_INVALID|SIGNATURE_SUBJECT_MISMATCH|PUBLISHER_UNTRUSTED)$/u;
const artifact = artifactFor();
const key = publisher();
const log = logAt();
const trust = trustIn(key, log);
await signRelease(artifactFor({ version: '0.9.0' }), key, log);
const text = await signRelease(artifact, key, log);

/** Paths of all places in a JSON value, the whole excepted. */
function placesOf(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    [...at, name],
    ...placesOf(inner, [...at, name]),
  ]);
}

/** Nobody signs these, and nothing hangs on them. */
const SAYS_NOTHING = new Set([
  'dsseEnvelope.signatures.0.keyid',
  'verificationMaterial.timestampVerificationData',
]);
const places = placesOf(JSON.parse(text)).filter((path) => !SAYS_NOTHING.has(path.join('.')));

function withValue(path: readonly string[], value: unknown): string {
  const bundle: unknown = JSON.parse(text);
  // SAFETY: every step of a path leads to an object or a list.
  const parent = path
    .slice(0, -1)
    .reduce((at, name) => (at as Record<string, unknown>)[name], bundle) as Record<string, unknown>;
  if (value === undefined) Reflect.deleteProperty(parent, path.at(-1) ?? '');
  else parent[path.at(-1) ?? ''] = value;
  return JSON.stringify(bundle);
}

test('any other value at any signed place of a bundle is refused, and by no other error', () => {
  const value = fc.oneof(
    fc.constant(undefined),
    fc.jsonValue({ maxDepth: 2 }),
    fc.string(),
    fc.base64String(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), value, (path, other) => {
      const changed = withValue(path, other);
      fc.pre(changed !== JSON.stringify(JSON.parse(text)));
      expect(verdictOf(artifact, changed, trust)).toMatch(REFUSAL);
    }),
    RUNS,
  );
});

test('each place of a bundle may be taken away or emptied, and it is refused', () => {
  for (const path of places)
    for (const other of [undefined, null, '', '0', 'AAAA', [], {}, 0, true])
      expect([path, verdictOf(artifact, withValue(path, other), trust)]).toEqual([
        path,
        expect.stringMatching(REFUSAL),
      ]);
});

test('a bundle with any character changed is refused, or still says the same', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: text.length - 1 }),
      fc.string({ minLength: 1, maxLength: 1 }),
      (at, letter) => {
        const changed = `${text.slice(0, at)}${letter}${text.slice(at + 1)}`;
        const outcome = verdictOf(artifact, changed, trust);
        if (outcome !== 'accepted') expect(outcome).toMatch(REFUSAL);
        else expect(meaningOf(changed)).toEqual(meaningOf(text));
      },
    ),
    RUNS,
  );
});

/** The bundle with its base64 decoded (the unused bits of a last character say nothing) and without what says nothing. */
function meaningOf(bundle: string): unknown {
  return JSON.parse(bundle, (name, value: unknown) => {
    if (name === 'keyid' || name === 'timestampVerificationData') return undefined;
    if (typeof value !== 'string' || !/^[A-Za-z0-9+/]{20,}={0,2}$/u.test(value)) return value;
    return Buffer.from(value, 'base64').toString('hex');
  });
}
