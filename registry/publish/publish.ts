import { hash } from 'node:crypto';
import {
  HubError,
  type Finding,
  type Manifest,
  type PublishReceipt,
} from '@runtime-hub/plugin-sdk/contract';
import { formerOf } from '@runtime-hub/plugin-sdk/check';
import { publisherNamespace, requirePublisher, type Caller } from '../auth/index.ts';
import { isAlike, keyringOf, signersNow } from '../namespaces/index.ts';
import type { Parts } from '../parts.ts';
import { readSettings } from '../settings.ts';
import type { NamespaceRow } from '../store/index.ts';
import { commitVersion, type Held } from './commit.ts';
import { examine, requireRules, type Upload } from './examine.ts';

export interface PublishRequest {
  readonly upload: Upload;
  readonly caller: Caller;
  /** `Idempotency-Key`: the same request with it gets the same answer. */
  readonly key: string | null;
}

export interface PublishAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Takes in a version: reads and verifies the upload, applies the rules, keeps the blob, and then in one transaction logs
 * and lists it. What is answered survives power loss; what fails leaves at most an unused blob.
 */
export async function publish(parts: Parts, request: PublishRequest): Promise<PublishAnswer> {
  const { caller, upload } = request;
  const namespace = namespaceOf(parts, caller);
  const fingerprint = hash('sha256', Buffer.concat([upload.artifact, Buffer.from(upload.bundle)]));
  const known = knownAnswer(parts, request, fingerprint);
  if (known !== null) return known;
  const examined = examine(upload, signersOf(parts, namespace));
  requirePublisher(caller, examined.manifest.id);
  requireNew(parts, examined.manifest);
  const { files, manifest } = examined;
  const surroundings = surroundingsOf(parts, manifest, namespace);
  const findings = await parts.scanner.scan({ files, manifest, surroundings });
  requireRules(manifest.id, findings);
  await parts.blobs.put(examined.digest, upload.artifact);
  const { answer, receipt } = parts.store.transaction(() => {
    const raced = knownAnswer(parts, request, fingerprint);
    if (raced !== null) return { answer: raced, receipt: null };
    // The keys may have changed meanwhile.
    if (!signersOf(parts, namespace).has(examined.publisher))
      throw new HubError('PUBLISHER_UNTRUSTED', {
        plugin: examined.manifest.id,
        key: examined.publisher,
      });
    const held = holdOf(parts, namespace, findings);
    const made = commitVersion(parts, namespace, examined, {
      findings,
      held,
      bytes: upload.artifact.length,
    });
    const status = made.state === 'active' ? 201 : 202;
    const given = { status, body: JSON.stringify(made) };
    keepAnswer(parts, request, fingerprint, given);
    return { answer: given, receipt: made };
  });
  if (receipt !== null) tell(parts, namespace, receipt);
  return answer;
}

const signersOf = ({ store, log, clock }: Parts, { name }: NamespaceRow) =>
  signersNow(keyringOf(store, name, log.origin), clock.now());

function namespaceOf({ store }: Parts, caller: Caller): NamespaceRow {
  const row = store.namespaces.get(publisherNamespace(caller));
  if (row === null) throw new Error('a token names a namespace that is not there');
  return row;
}

function requireNew({ store }: Parts, { id, version }: Manifest): void {
  if (store.versions.get(id, version) !== null)
    throw new HubError('REGISTRY_VERSION_EXISTS', { plugin: id, version });
}

/** The version it follows, and the ids it might be taken for; none that are private, for a finding tells them. */
function surroundingsOf({ store }: Parts, { id, version }: Manifest, namespace: NamespaceRow) {
  // SAFETY: manifests were stored.
  const published = store.versions.of(id).map((it) => JSON.parse(it.manifest) as Manifest);
  const former = formerOf(published, version);
  const knownIds = store.namespaces
    .all()
    .filter((it) => it.visibility === 'public' && it.name !== namespace.name)
    .filter((it) => isAlike(it.name, namespace.name))
    .flatMap((it) => store.listed.ids(it.name));
  return former === undefined ? { knownIds } : { knownIds, former };
}

function holdOf(parts: Parts, namespace: NamespaceRow, findings: readonly Finding[]): Held | null {
  const { review, minAgeHours } = readSettings(parts.store);
  const found = [
    ...new Set(findings.filter((it) => it.severity === 'review').map((it) => it.rule)),
  ];
  if (found.length > 0)
    return { reason: `a person must look at: ${found.join(', ')}`.slice(0, 1000), until: null };
  if (review || namespace.review) return { reason: 'a person looks at each version', until: null };
  if (minAgeHours === 0) return null;
  const until = parts.clock.now() + minAgeHours * 3_600_000;
  return { reason: `it waits ${String(minAgeHours)} hours`, until };
}

function knownAnswer(
  { store }: Parts,
  { caller, key }: PublishRequest,
  request: string,
): PublishAnswer | null {
  const known = key === null ? null : store.tokens.answer(caller.actor, key);
  if (known === null) return null;
  if (known.request !== request) throw new HubError('PUBLISH_KEY_REUSED', {});
  return { status: known.status, body: known.body };
}

function keepAnswer(
  parts: Parts,
  { caller, key }: PublishRequest,
  request: string,
  answer: PublishAnswer,
): void {
  if (key === null) return;
  parts.store.tokens.keepAnswer({
    actor: caller.actor,
    key,
    request,
    at: parts.clock.now(),
    ...answer,
  });
}

function tell(
  parts: Parts,
  namespace: NamespaceRow,
  { id, version, state, logIndex }: PublishReceipt,
): void {
  parts.meter.count('published');
  const isPrivate = namespace.visibility === 'private';
  parts.changed({ plugin: id, version, namespace: namespace.name, isPrivate, state, logIndex });
}
