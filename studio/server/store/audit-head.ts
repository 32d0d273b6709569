import { existsSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import type { ChainPoint } from '../audit/chain.ts';
import { parseHead, signHead, type AuditHead } from '../audit/head.ts';
import { broken } from '../audit/record.ts';
import type { AuditReader } from './audit-reader.ts';
import { auditKey } from './keys.ts';

const WRITE_AFTER_MS = 1000;

/** The head a data folder keeps beside its audit; null when there is none. Throws AUDIT_BROKEN for one that does not hold. */
export function readHead(folder: string, key: string | null): AuditHead | null {
  const file = headFile(folder);
  return existsSync(file) ? parseHead(parse(readFileSync(file, 'utf8')), key) : null;
}

/** Keeps the signed head of an audit in a file of its own, at most a second behind. */
export class HeadKeeper {
  readonly #folder: string;
  readonly #reader: AuditReader;
  /** Where the audit begins once what is being pruned is gone. */
  #start: ChainPoint | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** Undefined before the first look. */
  #broken: HubError<'AUDIT_BROKEN'> | null | undefined;

  constructor(folder: string, reader: AuditReader, isNew: boolean) {
    this.#folder = folder;
    this.#reader = reader;
    if (!existsSync(headFile(folder)) && (isNew || reader.to().sequence === 0)) {
      this.#broken = null;
      // At once: from the first record on there is a head.
      void this.write().catch(() => this.touch());
    }
  }

  /**
   * Why the audit does not go on from the head that was kept; null when it does. Then the head stays as it is, for
   * whoever looks into it, until it is accepted.
   */
  get broken(): HubError<'AUDIT_BROKEN'> | null {
    if (this.#broken === undefined) this.#broken = this.#check();
    return this.#broken;
  }

  /** Something was appended, or will be. */
  touch(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => void this.write().catch(() => this.touch()), WRITE_AFTER_MS);
    this.#timer.unref();
  }

  /** A head of what is durable now. */
  sign(): AuditHead {
    const [kept, start] = [this.#reader.from(), this.#start];
    const from = start !== null && start.sequence > kept.sequence ? start : kept;
    return signHead({ from, to: this.#reader.to(), at: Date.now() }, auditKey(this.#folder));
  }

  /** Speaks from now on only of what is after `start`. Before the rest is forgotten: a crash in between leaves a head that fits. */
  async startAt(start: ChainPoint): Promise<void> {
    if (this.broken !== null) throw this.broken;
    this.#start = start;
    await this.write();
  }

  /** Writes the head of now, one after the other; not when the one that is there does not fit. */
  async write(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.broken !== null) return;
    const before = this.#writing.catch(() => undefined);
    this.#writing = before.then(async () => await this.#replace(this.sign()));
    await this.#writing;
  }

  /** Goes on from the audit as it is. What was there as head is kept under another name. */
  async accept(): Promise<AuditHead> {
    const file = headFile(this.#folder);
    if (existsSync(file)) await rename(file, `${file}.${String(Date.now())}`);
    this.#broken = null;
    const head = this.sign();
    await this.#replace(head);
    return head;
  }

  async #replace(head: AuditHead): Promise<void> {
    const file = headFile(this.#folder);
    const fresh = await open(`${file}.new`, 'w', 0o600);
    try {
      await fresh.writeFile(`${JSON.stringify(head)}\n`);
      await fresh.sync();
    } finally {
      await fresh.close();
    }
    await rename(`${file}.new`, file);
  }

  #check(): HubError<'AUDIT_BROKEN'> | null {
    try {
      const head = readHead(this.#folder, null);
      if (head === null) return broken(this.#reader.to().sequence, 'its head is gone');
      const [start, end] = [this.#reader.from(), this.#reader.to()];
      if (head.from.sequence < start.sequence) return broken(head.from.sequence + 1, 'it is gone');
      if (head.to.sequence > end.sequence)
        return broken(end.sequence + 1, 'it is gone: the end was cut off');
      const isSame = ({ sequence, hash }: ChainPoint): boolean =>
        this.#reader.point(sequence)?.hash === hash;
      const other = [head.from, head.to].find((it) => !isSame(it));
      return other === undefined ? null : broken(other.sequence, 'it is not what the hub signed');
    } catch (error) {
      if (HubError.is(error, 'AUDIT_BROKEN')) return error;
      throw error;
    }
  }
}

/** Where the head of a data folder's audit is. */
export const headFile = (folder: string): string => join(folder, 'audit-head.json');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
