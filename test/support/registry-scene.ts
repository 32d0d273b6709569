import {
  admit,
  endorse,
  eventLeaf,
  keyringFrom,
  mergeReceipt,
  publicationLeaf,
  signersOf,
  spkiOf,
  withoutReceipts,
  type KeyChange,
  type LoggedEvent,
  type PublisherKey,
  type Release,
  type TrustPolicy,
  type VerifiedRelease,
} from '@runtime-hub/plugin-sdk/artifact';
import type { LogEvent } from '@runtime-hub/plugin-sdk/contract';
import { RegistryLog } from '../plugin-sdk/artifact/registry-log.ts';
import {
  artifactFor,
  logAt,
  publisher,
  signPayload,
  type Bundle,
} from '../plugin-sdk/artifact/release-parts.ts';

interface KeyWish extends Partial<KeyChange> {
  readonly signers?: readonly PublisherKey[];
}

/**
 * A registry's log with the keyrings of two publishers, and a hub that takes `acme/*` and `globex/*` from it and from
 * nowhere else, by these keyrings alone: how a hub meets any registry, without a network.
 */
export class RegistryScene {
  readonly log = new RegistryLog();
  readonly acme = publisher('acme-2026');
  readonly globex = publisher('globex-2026', 'p256');
  readonly policy: TrustPolicy = policyFor([this.log]);
  readonly #events: LoggedEvent[] = [];

  constructor() {
    this.addKey('acme', this.acme);
    this.addKey('globex', this.globex);
  }

  /** Logs a change of a namespace's keys, signed by `signers` or by the key itself. */
  addKey(namespace: string, key: PublisherKey, { signers = [key], ...more }: KeyWish = {}): void {
    const change: KeyChange = {
      ...{ namespace, change: 'added', hint: key.hint, spki: spkiOf(key), role: 'signer' },
      ...{ notAfter: null, revokedFrom: null, ...more },
    };
    const endorsements = signers.map((it) => endorse(this.log.origin, change, it));
    const said = { actor: 'ann', reason: 'why', at: this.log.at };
    this.record({ event: 'key', ...change, endorsements, ...said });
  }

  revoke(namespace: string, key: PublisherKey, revokedFrom: number | null = null): void {
    this.addKey(namespace, key, { change: 'revoked', revokedFrom, signers: [] });
  }

  record(event: LogEvent): void {
    this.#events.push({ index: this.log.append(eventLeaf(event)), event });
  }

  /** Signed, logged and with its receipt, as an honest registry gives it. */
  async release(more: object = {}, key = this.acme, said: object = {}): Promise<Release> {
    const artifact = artifactFor({ ...more });
    return { artifact, bundle: await this.log.publish(artifact, key, said) };
  }

  /** Has the log take down whatever a key signed, true or not. */
  taken(payload: string | Buffer, key = this.acme, spki = spkiOf(key)): string {
    const bundle = withoutReceipts(signPayload(payload, key, logAt()));
    const index = this.log.append(publicationLeaf(bundle, spki));
    return mergeReceipt(bundle, this.log.receipt(index));
  }

  /** What the hub says to a release: the gate of every install and of every start. */
  admit(release: Release, policy = this.policy): VerifiedRelease {
    return admit(release, policy, '1.0.0', (origin, namespace) =>
      signersOf(keyringFrom(this.#events, origin), namespace),
    );
  }
}

/** A hub's policy that takes `acme/*` and `globex/*` from the first of these logs. */
export function policyFor(logs: readonly RegistryLog[]): TrustPolicy {
  const own = logAt('hub.example');
  const [first] = logs;
  if (first === undefined) throw new Error('It needs a log.');
  const { origin } = first;
  return {
    version: 1,
    keys: {},
    log: { origin: own.origin, spki: spkiOf(own) },
    registries: logs.map((it) => ({
      ...{ origin: it.origin, url: 'http://127.0.0.1:9', logKey: spkiOf(it) },
      tufRootSha256: '0'.repeat(64),
    })),
    namespaces: [
      { match: 'acme/*', origin, keyring: true, exclusive: true },
      { match: 'globex/*', origin, keyring: true, exclusive: true },
    ],
    drivers: [],
    autoGrant: [],
    minIsolation: 'strong',
  };
}

/** The bundle with something changed by hand. */
export function changed(bundle: string, change: (bundle: Bundle) => void): string {
  // SAFETY: our own signer made it.
  const value = JSON.parse(bundle) as Bundle;
  change(value);
  return JSON.stringify(value);
}
