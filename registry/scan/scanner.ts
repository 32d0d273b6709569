import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HubError, type Finding, type Manifest } from '@runtime-hub/plugin-sdk/contract';

export interface ScanRequest {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Manifest;
  /** The version it follows, and ids it might be taken for. */
  readonly surroundings: { readonly former?: Manifest; readonly knownIds: readonly string[] };
}

/** The rules themselves are bounded to some seconds; what takes longer was made to. */
const LONGEST_MS = 30_000;
const LONGEST_S = String(LONGEST_MS / 1000);

/**
 * Applies the rules in a process of its own, one pack after the other: one that was made to be slow, or to break what
 * reads it, must hold up nobody who reads.
 */
export class Scanner implements Disposable {
  #process: ChildProcess | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** Rejects with ARTIFACT_MALFORMED when it takes longer than 30 s or ends the process. */
  scan(request: ScanRequest): Promise<readonly Finding[]> {
    const turn = this.#last.then(async () => await this.#ask(request));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  async #ask(request: ScanRequest): Promise<readonly Finding[]> {
    const child = (this.#process ??= this.#start());
    const { promise, resolve, reject } = Promise.withResolvers<readonly Finding[]>();
    const fail = (detail: string) => (): void =>
      reject(new HubError('ARTIFACT_MALFORMED', { rule: 'scan', detail }));
    const late = setTimeout(fail(`the rules take over ${LONGEST_S} s on it`), LONGEST_MS);
    const ended = fail('it ended the process that applied the rules');
    child.once('message', resolve).once('exit', ended).once('error', ended);
    child.send(request);
    try {
      return await promise;
    } catch (error) {
      this.#stop();
      throw error;
    } finally {
      clearTimeout(late);
      child.off('message', resolve).off('exit', ended).off('error', ended);
    }
  }

  #start(): ChildProcess {
    const child = fork(fileURLToPath(new URL('./scanner-process.ts', import.meta.url)), {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: {},
    });
    child.on('error', () => undefined);
    child.once('exit', () => {
      if (this.#process === child) this.#process = null;
    });
    child.unref();
    child.channel?.unref();
    return child;
  }

  #stop(): void {
    this.#process?.kill('SIGKILL');
    this.#process = null;
  }
}
