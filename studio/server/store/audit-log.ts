import type { Audit } from '@runtime-hub/kernel';
import type { AuditRecord, HubError, PluginId } from '@runtime-hub/plugin-sdk/contract';
import type { ChainPoint } from '../audit/chain.ts';
import { exportLines } from '../audit/export.ts';
import { signHead, type AuditHead } from '../audit/head.ts';
import { recordText } from '../audit/record.ts';
import type { StoredRecord } from '../audit/verify.ts';
import { HeadKeeper } from './audit-head.ts';
import type { AuditFilter, AuditPage, AuditReader, NumberedRecord } from './audit-reader.ts';
import { DAY_MS, retentionDays, setRetentionDays } from './audit-retention.ts';
import { auditKey } from './keys.ts';
import type { Writer } from './writer.ts';

/** Who did what, in a chain of hashes: what was written can't be changed or taken out unseen. */
export interface AuditLog
  extends Audit, Pick<AuditReader, 'page' | 'to' | 'records' | 'lastBefore'> {
  /** The newest records first, as far as they are durable. */
  list(options: { readonly limit: number; readonly plugin?: PluginId }): readonly NumberedRecord[];
  /** Why the audit is not the one this folder's head speaks of; null when it is. */
  readonly broken: HubError<'AUDIT_BROKEN'> | null;
  /** A signed head of what is durable now, to keep elsewhere. */
  head(): AuditHead;
  /** The lines of an export, from the records at `since` on; all that there are when left out. */
  export(since?: number): Generator<string, void>;
  /** Forgets the records before a time; the rest can still be verified. Resolves with how many; rejects with AUDIT_BROKEN. */
  prune(before: number): Promise<number>;
  retention(): AuditRetention;
  /** Keeps records for so many days from now on. */
  keepDays(days: number): void;
  /** Forgets the records that were kept long enough, as `prune` does. A clock that is ahead makes none older than the newest one says. */
  retain(now: number): Promise<number>;
  /** Signs the audit as it is, after somebody looked into why it was broken. */
  accept(): Promise<AuditHead>;
}

/** What is kept of the audit. */
export interface AuditRetention {
  readonly days: number;
  readonly records: number;
  /** Of the oldest record; null when there is none. */
  readonly since: number | null;
}

const PRUNED_AT_ONCE = 5000;

export interface AuditPorts {
  readonly folder: string;
  readonly writer: Writer;
  readonly reader: AuditReader;
}

/** The audit of a data folder; disposing writes its head. */
export const createAuditLog = (ports: AuditPorts): AuditLog & AsyncDisposable =>
  new FolderAudit(ports);

class FolderAudit implements AuditLog, AsyncDisposable {
  readonly #folder: string;
  readonly #writer: Writer;
  readonly #reader: AuditReader;
  readonly #head: HeadKeeper;
  #pruning: Promise<unknown> = Promise.resolve();

  constructor({ folder, writer, reader }: AuditPorts) {
    this.#folder = folder;
    this.#writer = writer;
    this.#reader = reader;
    this.#head = new HeadKeeper(folder, reader, writer.isNew);
  }

  append(record: AuditRecord): void {
    this.#writer.post(['audit', record.plugin, recordText(record)]);
    this.#head.touch();
  }

  list({
    limit,
    plugin,
  }: {
    readonly limit: number;
    readonly plugin?: PluginId;
  }): readonly NumberedRecord[] {
    return this.#reader.page(plugin === undefined ? {} : { plugin }, { limit }).records;
  }

  page(filter: AuditFilter, how: { readonly limit: number; readonly before?: number }): AuditPage {
    return this.#reader.page(filter, how);
  }

  to(): ChainPoint {
    return this.#reader.to();
  }

  records(after: number, upTo: number): Generator<StoredRecord, void> {
    return this.#reader.records(after, upTo);
  }

  lastBefore(at: number): number {
    return this.#reader.lastBefore(at);
  }

  get broken(): HubError<'AUDIT_BROKEN'> | null {
    return this.#head.broken;
  }

  head(): AuditHead {
    return this.#head.sign();
  }

  *export(since?: number): Generator<string, void> {
    const reader = this.#reader;
    const start = since === undefined ? null : reader.point(reader.lastBefore(since));
    const span = { from: start ?? reader.from(), to: reader.to(), at: Date.now() };
    const records = reader.records(span.from.sequence, span.to.sequence);
    yield* exportLines(signHead(span, auditKey(this.#folder)), records);
  }

  /** One after the other: a head never goes back to where less was pruned. */
  async prune(before: number): Promise<number> {
    const pruned = this.#pruning.then(async () => await this.#prune(before));
    this.#pruning = pruned.catch(() => undefined);
    return await pruned;
  }

  retention(): AuditRetention {
    const [from, to] = [this.#reader.from().sequence, this.#reader.to().sequence];
    const [oldest] = this.#reader.records(from, from + 1);
    const since = oldest === undefined ? null : timeOf(oldest);
    return { days: retentionDays(this.#folder), records: to - from, since };
  }

  keepDays(days: number): void {
    setRetentionDays(this.#folder, days);
  }

  async retain(now: number): Promise<number> {
    const newest = this.list({ limit: 1 })[0]?.at ?? now;
    return await this.prune(Math.min(now, newest) - retentionDays(this.#folder) * DAY_MS);
  }

  async #prune(before: number): Promise<number> {
    const [reader, writer] = [this.#reader, this.#writer];
    await writer.flush();
    const upTo = reader.point(reader.lastBefore(before));
    if (upTo === null || upTo.sequence === reader.from().sequence) return 0;
    await this.#head.startAt(upTo);
    let pruned = 0;
    for (let more = 1; more > 0; pruned += more)
      more = await writer.write(['prune-audit', upTo.sequence, PRUNED_AT_ONCE]);
    return pruned;
  }

  async accept(): Promise<AuditHead> {
    return await this.#head.accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A disk that failed was told to whoever wrote; what is durable is signed still.
    await this.#writer.flush().catch(() => undefined);
    await this.#head.write();
  }
}

// SAFETY: the hub wrote it.
const timeOf = ({ record }: StoredRecord): number => (JSON.parse(record) as AuditRecord).at;
