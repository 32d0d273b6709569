import { Worker } from 'node:worker_threads';
import type { CopyAnswer, CopyRequest, Copied } from './blob-copier-thread.ts';

type Waiting = Pick<PromiseWithResolvers<Copied>, 'resolve' | 'reject'>;

/**
 * Copies and hashes large values in a thread of its own, begun with the first: what passes through the hub's own memory
 * makes it collect garbage, and neighbours wait meanwhile.
 */
export class BlobCopier implements Disposable {
  #thread: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  /** Writes bytes, or so many of an open file, to a new file that nobody may write. Rejects with an Error when the disk is full. */
  async copy(from: CopyRequest['from'], to: string): Promise<Copied> {
    const { promise, resolve, reject } = Promise.withResolvers<Copied>();
    this.#last += 1;
    this.#waiting.set(this.#last, { resolve, reject });
    this.#thread ??= this.#start();
    const plain = from instanceof Uint8Array ? from : { fd: from.fd, sizeBytes: from.sizeBytes };
    this.#thread.postMessage({ id: this.#last, from: plain, to } satisfies CopyRequest);
    return await promise;
  }

  [Symbol.dispose](): void {
    void this.#thread?.terminate();
    this.#end(new Error('The blob store was closed'));
  }

  #start(): Worker {
    const thread = new Worker(new URL('./blob-copier-thread.ts', import.meta.url), {
      execArgv: [],
    });
    thread.on('message', ({ id, copied, failed }: CopyAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (copied === null) waiting?.reject(new Error(`A blob cannot be kept: ${failed}`));
      else waiting?.resolve(copied);
    });
    thread.on('error', (error) => this.#end(error));
    thread.unref();
    return thread;
  }

  #end(why: Error): void {
    this.#thread = null;
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}
