import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { bodyOf, signedFile, type RoleName } from '../../../registry/tuf/metadata.ts';
import {
  TufClient,
  TufRepository,
  draftRoot,
  makeOnlineKeys,
  signRoot,
  tufSigner,
  type TufKey,
  type TufSigner,
} from '../../../registry/tuf/index.ts';

export const DAY_MS = 86_400_000;
const URL = 'http://registry.example/v1/tuf';

export const newSigner = (): TufSigner => tufSigner(generateKeyPairSync('ed25519').privateKey);

/** What a server may answer in place of a file: bytes, a status, or a body that a test made. */
export type Answer = Buffer | number | ReadableStream<Uint8Array>;

/** A repository, a client of it, and whoever sits between them. */
export class Scene implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'hub-tuf-'));
  readonly repository: TufRepository;
  /** Answers that differ from the repository's. */
  readonly forged = new Map<string, Answer>();
  readonly asked: string[] = [];
  now = Date.now();
  failure: Error | null = null;

  constructor(prepare: (folder: string) => void = () => undefined) {
    prepare(this.#at('repository'));
    this.repository = new TufRepository({ folder: this.#at('repository'), now: () => this.now });
  }

  client(rootSha256 = this.repository.rootSha256): TufClient {
    return new TufClient({
      url: URL,
      folder: this.#at('client'),
      rootSha256,
      fetch: async (url) => {
        if (this.failure !== null) throw this.failure;
        const path = url.slice(URL.length + 1);
        this.asked.push(path);
        const answer = this.forged.get(path) ?? this.repository.read(path) ?? 404;
        if (typeof answer === 'number') return new Response('', { status: answer });
        return await Promise.resolve(
          new Response(answer instanceof Buffer ? new Uint8Array(answer) : answer),
        );
      },
    });
  }

  /** What the client gets, or the code of its refusal. */
  async outcome(name = 'keyring.json', rootSha256 = this.repository.rootSha256): Promise<string> {
    try {
      const targets = await this.client(rootSha256).targets([name]);
      return targets.get(name)?.toString() ?? 'missing';
    } catch (error) {
      if (error instanceof HubError) return error.code;
      throw error;
    }
  }

  publish(text: string, name = 'keyring.json'): void {
    this.repository.publish(new Map([[name, Buffer.from(text)]]));
  }

  /** The same repository as a process sees it that starts now. */
  reopened(): TufRepository {
    return new TufRepository({ folder: this.#at('repository'), now: () => this.now });
  }

  file(path: string): Buffer {
    const bytes = this.repository.read(path);
    if (bytes === null) throw new Error(`the repository has no ${path}`);
    return bytes;
  }

  /** The signed part of a file. */
  signedOf(
    path: string,
  ): Record<string, unknown> & { readonly version: number; readonly expires: string } {
    // SAFETY: the repository wrote it.
    return (JSON.parse(this.file(path).toString()) as { signed: ReturnType<Scene['signedOf']> })
      .signed;
  }

  #at(name: string): string {
    return join(this.folder, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** A metadata file as somebody with these keys would make it. */
export function forge(
  role: RoleName,
  version: number,
  content: object,
  signers: readonly TufSigner[],
): Buffer {
  return signedFile(role, { ...bodyOf(role, version, Date.now() + DAY_MS), ...content }, signers);
}

/** Three root keys kept elsewhere, two of which must sign. */
export class Ceremony {
  readonly holders = [newSigner(), newSigner(), newSigner()] as const;
  online = { targets: newSigner().key, online: newSigner().key };

  /** A root of the version, for these holders' keys, signed by those. */
  root(
    version: number,
    signers: readonly TufSigner[],
    more: {
      readonly keys?: readonly TufSigner[];
      readonly threshold?: number;
      readonly online?: TufKey;
    } = {},
  ): string {
    const { keys = this.holders, threshold = 2 } = more;
    const { targets, online } = this.online;
    const day = { keys: [more.online ?? online], threshold: 1 };
    const draft = draftRoot({
      version,
      expiresAt: Date.now() + 100 * DAY_MS,
      roles: {
        root: { keys: keys.map(({ key }) => key), threshold },
        targets: { keys: [targets], threshold: 1 },
        snapshot: day,
        timestamp: day,
      },
    });
    return signers.reduce(signRoot, draft);
  }

  /** Lays the first root into a folder before the registry starts. */
  readonly prepare = (folder: string): void => {
    this.online = makeOnlineKeys(folder);
    mkdirSync(join(folder, 'public'), { recursive: true });
    writeFileSync(join(folder, 'public', '1.root.json'), this.root(1, this.holders.slice(0, 2)));
  };
}
