import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { pack } from './batch.ts';
import { makeDurable } from './durable.ts';
import type { WriteAnswer, WriteRefusal, WriteRequest, WriterMessage } from './requests.ts';
import { JOURNAL_STEPS, migrate } from './schema.ts';

/** Writes durably, in the order asked. */
export interface Writer {
  /** True when the database was made, or brought to a newer version, by opening it. */
  readonly isNew: boolean;
  /** Resolves with the request's number when it survives power loss; rejects with its HubError, or an Error once the disk has failed. */
  write(request: WriteRequest): Promise<number>;
  /** Writes with the next commit and tells nobody. Throws once the disk has failed. */
  post(request: WriteRequest): void;
  /** Resolves when everything asked for so far is durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: number) => void;
  readonly reject: (error: Error) => void;
}

/** Starts the writer thread on a database file, made when missing and brought to the newest version. */
export async function openWriter(file: string): Promise<Writer> {
  const db = new Database(file);
  makeDurable(db);
  const isNew = migrate(db, JOURNAL_STEPS);
  db.close();
  const thread = new Worker(new URL('./writer-thread.ts', import.meta.url), {
    workerData: { file },
    execArgv: [],
  });
  await new Promise<void>((resolve, reject) => {
    thread.once('message', () => resolve());
    thread.once('error', reject);
  });
  return new GroupCommit(thread, isNew);
}

/** Gathers all that is asked during one turn, or while a commit is under way, into the next transaction. */
class GroupCommit implements Writer {
  readonly isNew: boolean;
  readonly #thread: Worker;
  #requests: WriteRequest[] = [];
  #waiting: (Waiting | null)[] = [];
  #committing: readonly (Waiting | null)[] | null = null;
  #scheduled = false;
  #broken: Error | null = null;

  constructor(thread: Worker, isNew: boolean) {
    this.isNew = isNew;
    this.#thread = thread;
    thread.on('message', (message: WriterMessage) => this.#onMessage(message));
    thread.on('error', (error) => this.#break(error));
    thread.on('exit', () => this.#break(new Error('The writer of the journal is gone')));
  }

  async write(request: WriteRequest): Promise<number> {
    return await new Promise((resolve, reject) => this.#add(request, { resolve, reject }));
  }

  post(request: WriteRequest): void {
    this.#add(request, null);
  }

  async flush(): Promise<void> {
    const idle = this.#committing === null && this.#requests.length === 0;
    if (!idle || this.#broken !== null) await this.write(['sync']);
  }

  async close(): Promise<void> {
    if (this.#broken === null) await this.flush();
    const gone = new Promise((resolve) => this.#thread.once('exit', resolve));
    if (this.#thread.threadId === -1) return;
    this.#thread.postMessage('close');
    await gone;
  }

  #add(request: WriteRequest, waiting: Waiting | null): void {
    if (this.#broken !== null) throw this.#broken;
    this.#requests.push(request);
    this.#waiting.push(waiting);
    if (this.#scheduled || this.#committing !== null) return;
    this.#scheduled = true;
    setImmediate(() => this.#send());
  }

  #send(): void {
    this.#scheduled = false;
    if (this.#requests.length === 0 || this.#broken !== null) return;
    this.#committing = this.#waiting;
    const requests = this.#requests;
    this.#requests = [];
    this.#waiting = [];
    this.#thread.postMessage(pack(requests));
  }

  #onMessage(message: WriterMessage): void {
    if (message.kind === 'broken') this.#break(new Error(`The journal failed: ${message.message}`));
    if (message.kind !== 'committed') return;
    const committed = this.#committing ?? [];
    this.#committing = null;
    this.#send();
    for (const [index, waiting] of committed.entries())
      settle(waiting, message.answers[index] ?? 0);
  }

  #break(error: Error): void {
    this.#broken ??= error;
    const waiting = [...(this.#committing ?? []), ...this.#waiting];
    this.#committing = null;
    this.#requests = [];
    this.#waiting = [];
    for (const it of waiting) it?.reject(this.#broken);
  }
}

function settle(waiting: Waiting | null, answer: WriteAnswer): void {
  if (typeof answer === 'number') waiting?.resolve(answer);
  else waiting?.reject(errorOf(answer));
}

// SAFETY: a refusal's code and data belong together by its type; the union is lost on the constructor's generic.
const errorOf = ({ code, data }: WriteRefusal): HubError => new HubError(code, data as never);
