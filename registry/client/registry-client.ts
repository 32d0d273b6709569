import { hash } from 'node:crypto';
import {
  digestOf,
  parseBundle,
  type LoggedEvent,
  type Release,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  PluginRecord,
  SearchPage,
  type PluginId,
  type VersionRecord,
} from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import type { Asked } from './asked.ts';
import type { Memory } from './folder.ts';
import { LogReader, type Added } from './log-reader.ts';
import { openExchange } from './open-exchange.ts';
import { parseReply } from './parse-reply.ts';
import { listenForChanges } from './push.ts';

export interface RegistryClientPorts {
  readonly origin: string;
  /** Where the registry, or a mirror of it, is reached. */
  readonly url: string;
  /** Ed25519, base64 DER SubjectPublicKeyInfo. */
  readonly logKey: string;
  readonly token?: string;
  readonly memory: Memory;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How old the registry's newest checkpoint may be. */
  readonly maxAgeMs: number;
  /** How it is asked, where that is not over HTTP. */
  readonly exchange?: Asked;
}

export interface SearchQuery {
  readonly text: string;
  readonly capability?: string;
  readonly runtime?: string;
  readonly namespace?: string;
  readonly cursor?: string;
}

/** Of a private namespace the registry tells its readers the salt. */
const NamespaceInfo = Type.Object({ salt: Type.Optional(Type.String({ maxLength: 128 })) });
const Attestations = Type.Object({
  attestations: Type.Array(Type.String({ maxLength: 2_000_000 }), { maxItems: 100 }),
});
const MAX_BUNDLE_BYTES = 1024 * 1024;
const MAX_ARTIFACT_BYTES = 20 * 1024 * 1024;

/**
 * One registry as a hub or an author's tool sees it: the only way out to it. Every call fails within a second when the
 * registry is down (REGISTRY_UNREACHABLE). Nothing it says is believed for having said it: releases are verified by
 * whoever takes them, the log against what was pinned.
 */
export class RegistryClient implements Disposable {
  readonly #ports: RegistryClientPorts;
  readonly #exchange: Asked;
  readonly #log: LogReader;

  constructor(ports: RegistryClientPorts) {
    const { url, token, exchange } = ports;
    this.#ports = ports;
    this.#exchange = exchange ?? openExchange({ url, ...(token === undefined ? {} : { token }) });
    this.#log = new LogReader({ ...ports, exchange: this.#exchange });
  }

  get origin(): string {
    return this.#ports.origin;
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    const { text, ...filters } = query;
    const body = await this.#exchange.get(`/v1/plugins?${asQuery({ q: text, ...filters })}`);
    return parseReply(SearchPage, body, this.origin);
  }

  /** All versions of a plugin. Throws REGISTRY_NOT_FOUND. */
  async plugin(id: PluginId): Promise<PluginRecord> {
    const record = parseReply(PluginRecord, await this.#exchange.get(pathOf(id)), this.origin);
    if (record.id === id && record.versions.every((it) => it.id === id)) return record;
    throw this.#invalid('it speaks of another plugin');
  }

  /** The artifact of a version and its bundle: the very bytes the digest names, their receipt part of the log we know. */
  async release({
    id,
    version,
    digest,
  }: Pick<VersionRecord, 'id' | 'version' | 'digest'>): Promise<Release> {
    const hex = digest.slice('sha512-'.length);
    const [artifact, bundle] = await Promise.all([
      this.#exchange.get(`/v1/blobs/sha512/${hex}`, MAX_ARTIFACT_BYTES),
      this.#exchange.get(`${pathOf(id)}/${version}/bundle`, MAX_BUNDLE_BYTES),
    ]);
    const actual = digestOf(artifact);
    if (actual !== digest)
      throw new HubError('ARTIFACT_DIGEST_MISMATCH', { plugin: id, expected: digest, actual });
    const text = bundle.toString('utf8');
    const { receipt } = parseBundle(text);
    if (receipt !== null) await this.#log.client.requireReceipt(receipt);
    return { artifact, bundle: text };
  }

  /** What others vouch for: bundles over the same artifact, not yet verified. */
  async attestations({ id, version }: Pick<VersionRecord, 'id' | 'version'>) {
    const body = await this.#exchange.get(`${pathOf(id)}/${version}/attestations`);
    return parseReply(Attestations, body, this.origin).attestations;
  }

  /** Salts of private namespaces: the log speaks of these by a salted hash of their name. A salt never changes. */
  async salts(): Promise<Readonly<Record<string, string>>> {
    const text = await this.#ports.memory.recall(this.origin, 'salts.json');
    // SAFETY: `learnSalt` alone writes it.
    return text === null ? {} : (JSON.parse(text) as Record<string, string>);
  }

  /** Asks for a namespace's salt, unless it is known. Throws REGISTRY_NOT_FOUND when it is none that we may read. */
  async learnSalt(namespace: string): Promise<void> {
    const known = await this.salts();
    if (Object.hasOwn(known, namespace)) return;
    const body = await this.#exchange.get(`/v1/namespaces/${namespace}`);
    const { salt } = parseReply(NamespaceInfo, body, this.origin);
    if (salt === undefined) return;
    const text = JSON.stringify({ ...known, [namespace]: salt });
    await this.#ports.memory.keep(this.origin, 'salts.json', text);
  }

  /** Tells all that is new in the log, verified; see LogReader. */
  async catchUp(
    take: (events: readonly LoggedEvent[], added: Added) => Promise<void>,
  ): Promise<void> {
    await this.#log.catchUp(take);
  }

  /** The signed note of the newest checkpoint that was accepted; null before the first. */
  async checkpoint(): Promise<string | null> {
    return (await this.#log.client.pinned())?.note ?? null;
  }

  /** Changes of keys and states as far as the log was read. */
  async events(): Promise<readonly LoggedEvent[]> {
    return await this.#log.events();
  }

  /** Calls `onChange` whenever the registry says that something changed; what, the log tells. */
  listen(onChange: () => void): Disposable {
    const { url, token } = this.#ports;
    return listenForChanges({ url, ...(token === undefined ? {} : { token }) }, onChange);
  }

  [Symbol.dispose](): void {
    this.#exchange.close();
  }

  #invalid(detail: string): HubError {
    return new HubError('REGISTRY_RESPONSE_INVALID', { registry: this.origin, detail });
  }
}

/** How the log names what is private. */
export const concealedName = (salt: string, name: string): string =>
  `sha256:${hash('sha256', `${salt}\n${name}`)}`;

const pathOf = (id: PluginId): string => `/v1/plugins/${id}`;

function asQuery(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).filter((it): it is [string, string] => it[1] !== undefined);
  return new URLSearchParams(given).toString();
}
