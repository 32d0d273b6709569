import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Updater, type TargetFile } from 'tuf-js';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { BoundedFetcher, type TufFetch } from './fetcher.ts';

export interface TufClientPorts {
  /** Where the repository's metadata is served, e.g. `http://127.0.0.1:3100/v1/tuf`. */
  readonly url: string;
  /** Keeps what was accepted; one folder per registry. */
  readonly folder: string;
  /** SHA-256, hex, of the first root file, which the admin trusted. */
  readonly rootSha256: string;
  readonly fetch: TufFetch;
}

const MAX_ROOT_BYTES = 512_000;
const MAX_TARGET_BYTES = 16 * 1024 * 1024;

/**
 * Reads the files that a registry's trust hangs on (TUF client workflow, by tuf-js). Throws REGISTRY_IDENTITY_MISMATCH for
 * another root than the pinned one, REGISTRY_METADATA_EXPIRED when nothing newer is shown in time, REGISTRY_METADATA_REFUSED
 * for everything else that does not hold, and whatever `fetch` throws.
 */
export class TufClient {
  readonly #ports: TufClientPorts;
  readonly #folder: string;

  constructor(ports: TufClientPorts) {
    this.#ports = ports;
    // What was accepted under another pin says nothing under this one.
    this.#folder = join(ports.folder, ports.rootSha256);
  }

  /** The newest targets of these names, each checked; one that the repository does not have is missing in the map. */
  async targets(names: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const fetcher = new BoundedFetcher(this.#ports.fetch);
    return await this.#refusing(fetcher, async () => {
      await this.#pinRoot(fetcher);
      const updater = new Updater({
        metadataDir: this.#folder,
        metadataBaseUrl: this.#ports.url,
        fetcher,
      });
      await updater.refresh();
      const found = await Promise.all(names.map((name) => updater.getTargetInfo(name)));
      const wanted = found.filter((target) => target !== undefined);
      const read = wanted.map(async (it) => [it.path, await this.#download(it, fetcher)] as const);
      return new Map(await Promise.all(read));
    });
  }

  async #pinRoot(fetcher: BoundedFetcher): Promise<void> {
    const file = join(this.#folder, 'root.json');
    if (existsSync(file)) return;
    const { url, rootSha256 } = this.#ports;
    const root = await fetcher.downloadBytes(`${url}/1.root.json`, MAX_ROOT_BYTES);
    if (sha256(root) !== rootSha256)
      throw new HubError('REGISTRY_IDENTITY_MISMATCH', {
        registry: url,
        detail: 'its root of trust is not the one that was trusted',
      });
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, root, { mode: 0o600 });
  }

  async #download(target: TargetFile, fetcher: BoundedFetcher): Promise<Buffer> {
    const pin = target.hashes['sha256'] ?? '';
    const refuse = (detail: string): HubError =>
      new HubError('REGISTRY_METADATA_REFUSED', { registry: this.#ports.url, detail });
    if (target.length > MAX_TARGET_BYTES) throw refuse(`${target.path} is over 16 MB`);
    const url = `${this.#ports.url}/targets/${pin}.${target.path}`;
    const bytes = await fetcher.downloadBytes(url, target.length);
    if (bytes.length === target.length && sha256(bytes) === pin) return bytes;
    throw refuse(`${target.path} is not the one that was signed`);
  }

  async #refusing<T>(fetcher: BoundedFetcher, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      // The library wraps what the network threw into errors of its own.
      if (fetcher.failure !== null) throw fetcher.failure;
      if (error instanceof HubError) throw error;
      const detail = error instanceof Error ? error.message.slice(0, 200) : 'its metadata';
      const data = { registry: this.#ports.url, detail };
      const code = /\bexpired\b/u.test(detail)
        ? 'REGISTRY_METADATA_EXPIRED'
        : 'REGISTRY_METADATA_REFUSED';
      throw new HubError(code, data, { cause: error });
    }
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
