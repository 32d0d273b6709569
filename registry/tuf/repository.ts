import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTufKey, readTufKeys, type TufKey, type TufSigner } from './keys.ts';
import {
  bodyOf,
  checkRootSignatures,
  parseRoot,
  pinOf,
  signedFile,
  type RoleName,
  type SignedBody,
} from './metadata.ts';
import { draftRoot, signRoot } from './root.ts';

const DAY_MS = 86_400_000;
/** How long clients take each file for new; what is installed does not end with it. */
const LIFE_MS: { readonly [R in RoleName]: number } = {
  root: 365 * DAY_MS,
  targets: 90 * DAY_MS,
  snapshot: 30 * DAY_MS,
  timestamp: 7 * DAY_MS,
};
/** @tufjs/models takes time that grows with the square of the number of targets. */
const MAX_TARGETS = 16;
const TARGET_NAME = /^[a-z][a-z0-9_-]{0,62}\.json$/u;

export interface TufPorts {
  /** Holds `keys` (0700) and `public`, which any web server may serve. */
  readonly folder: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Writes a TUF repository for the few files that everything else hangs on: who the log is, who publishes, what is revoked.
 * Its root is either brought along, signed by keys that are kept elsewhere, or made at the first start with one key.
 */
export class TufRepository {
  readonly #ports: TufPorts;
  readonly #signers: ReadonlyMap<string, TufSigner>;

  constructor(ports: TufPorts) {
    this.#ports = ports;
    mkdirSync(join(ports.folder, 'public', 'targets'), { recursive: true });
    if (!existsSync(this.#file('1.root.json')))
      makeRoot(ports, (root) => this.#write('1.root.json', root));
    this.#signers = readTufKeys(keysFolder(ports.folder));
  }

  /** SHA-256, hex, of the first root file: what a client is told out of band. */
  get rootSha256(): string {
    return createHash('sha256').update(this.#bytes('1.root.json')).digest('hex');
  }

  /** The newest root file's text. */
  get root(): string {
    let version = 1;
    while (existsSync(this.#file(`${String(version + 1)}.root.json`))) version += 1;
    return this.#bytes(`${String(version)}.root.json`).toString('utf8');
  }

  /**
   * Takes the next root: new keys, another threshold or only more time. It must be signed by enough keys of the root
   * before it and of its own; then what the new keys must sign is signed anew. Throws an Error otherwise.
   */
  addRoot(text: string): void {
    const before = this.root;
    const version = parseRoot(before).signed.version + 1;
    if (parseRoot(text).signed.version !== version)
      throw new Error(`the next root is version ${String(version)}`);
    checkRootSignatures(text, before);
    checkRootSignatures(text, text);
    for (const role of ['targets', 'snapshot', 'timestamp'] as const) this.#signersOf(role, text);
    this.#write(`${String(version)}.root.json`, Buffer.from(text));
    if (this.#current('timestamp') !== null) this.#release(this.#targets(), true);
  }

  /** Publishes the targets, all of them, by name. The same ones once more only keep the metadata fresh. */
  publish(targets: ReadonlyMap<string, Uint8Array>): void {
    checkNames(targets);
    for (const bytes of targets) this.#writeTarget(...bytes);
    const pins = Object.fromEntries([...targets].map(([name, bytes]) => [name, pinOf(bytes)]));
    this.#release(pins, false);
  }

  /**
   * Signs anew what has used up half of its life; the root only when its keys are here. Called from time to time, also
   * while nothing changes.
   */
  keepFresh(): void {
    this.#renewRoot();
    if (this.#current('timestamp') !== null) this.#release(this.#targets(), false);
  }

  /** A file to be served below `/v1/tuf/`; null for all but the metadata and targets of the repository. */
  read(path: string): Buffer | null {
    const isServed =
      /^(?:(?:[1-9]\d{0,9}\.(?:root|targets|snapshot)|timestamp)\.json|targets\/[0-9a-f]{64}\.[a-z][a-z0-9_-]{0,62}\.json)$/u;
    return isServed.test(path) && existsSync(this.#file(path)) ? this.#bytes(path) : null;
  }

  /** Timestamp last: until it is there, clients see the release before. */
  #release(targets: object, all: boolean): void {
    const isSame = JSON.stringify(targets) === JSON.stringify(this.#targets());
    const newTargets = all || !isSame || this.#isDue('targets');
    const newSnapshot = newTargets || this.#isDue('snapshot');
    if (newTargets) this.#sign('targets', { targets });
    if (newSnapshot) this.#sign('snapshot', { meta: { 'targets.json': this.#pin('targets') } });
    if (newSnapshot || this.#isDue('timestamp'))
      this.#sign('timestamp', { meta: { 'snapshot.json': this.#pin('snapshot') } });
  }

  #renewRoot(): void {
    const { signed } = parseRoot(this.root);
    if (Date.parse(signed.expires) - this.#ports.now() >= LIFE_MS.root / 2) return;
    const { signers, threshold } = this.#keysOf('root', this.root);
    if (signers.length < threshold) return;
    const next = bodyOf('root', signed.version + 1, this.#ports.now() + LIFE_MS.root);
    this.addRoot(signedFile('root', { ...signed.toJSON(), ...next }, signers).toString());
  }

  #sign(role: RoleName, content: object): void {
    const version = (this.#current(role)?.version ?? 0) + 1;
    const expiresAt = this.#ports.now() + LIFE_MS[role];
    const body = { ...bodyOf(role, version, expiresAt), ...content };
    const bytes = signedFile(role, body, this.#signersOf(role, this.root));
    if (role !== 'timestamp') this.#write(`${String(version)}.${role}.json`, bytes);
    this.#write(`${role}.json`, bytes);
  }

  #signersOf(role: RoleName, root: string): readonly TufSigner[] {
    const { signers, threshold } = this.#keysOf(role, root);
    if (signers.length >= threshold) return signers;
    throw new Error(`the keys that must sign ${role} are not in the folder`);
  }

  /** The keys of a role that are here, and how many must sign. */
  #keysOf(
    role: RoleName,
    root: string,
  ): { readonly signers: readonly TufSigner[]; readonly threshold: number } {
    const { keyIDs = [], threshold = 1 } = parseRoot(root).signed.roles[role] ?? {};
    return { signers: keyIDs.flatMap((id) => this.#signers.get(id) ?? []), threshold };
  }

  #isDue(role: RoleName): boolean {
    const current = this.#current(role);
    const left = current === null ? 0 : Date.parse(current.expires) - this.#ports.now();
    return left < LIFE_MS[role] / 2;
  }

  #targets(): object {
    const targets = this.#current('targets')?.['targets'];
    return typeof targets === 'object' && targets !== null ? targets : {};
  }

  #pin(role: RoleName): object {
    return { version: this.#current(role)?.version, ...pinOf(this.#bytes(`${role}.json`)) };
  }

  #current(role: RoleName): SignedBody | null {
    if (!existsSync(this.#file(`${role}.json`))) return null;
    // SAFETY: this class wrote the file.
    const { signed } = JSON.parse(this.#bytes(`${role}.json`).toString('utf8')) as {
      signed: SignedBody;
    };
    return signed;
  }

  #writeTarget(name: string, bytes: Uint8Array): void {
    this.#write(`targets/${pinOf(bytes).hashes.sha256}.${name}`, bytes);
  }

  #write(path: string, bytes: Uint8Array): void {
    const file = this.#file(path);
    writeFileSync(`${file}.new`, bytes, { flush: true });
    renameSync(`${file}.new`, file);
  }

  #bytes(path: string): Buffer {
    return readFileSync(this.#file(path));
  }

  #file(path: string): string {
    return join(this.#ports.folder, 'public', path);
  }
}

const keysFolder = (folder: string): string => join(folder, 'keys');

/** Makes the keys that sign from day to day, and tells their public parts: what goes into a root that is signed elsewhere. */
export function makeOnlineKeys(folder: string): {
  readonly targets: TufKey;
  readonly online: TufKey;
} {
  const keys = keysFolder(folder);
  return { targets: makeTufKey(keys).key, online: makeTufKey(keys).key };
}

function makeRoot({ folder, now }: TufPorts, write: (root: Buffer) => void): void {
  const root = makeTufKey(keysFolder(folder));
  const { targets, online } = makeOnlineKeys(folder);
  const one = (key: TufKey) => ({ keys: [key], threshold: 1 });
  const text = draftRoot({
    version: 1,
    expiresAt: now() + LIFE_MS.root,
    roles: {
      root: one(root.key),
      targets: one(targets),
      snapshot: one(online),
      timestamp: one(online),
    },
  });
  write(Buffer.from(signRoot(text, root)));
}

function checkNames(targets: ReadonlyMap<string, Uint8Array>): void {
  if (targets.size > MAX_TARGETS) throw new Error('a TUF repository is for few targets');
  for (const name of targets.keys())
    if (!TARGET_NAME.test(name)) throw new Error(`${name} is no name of a target`);
}
