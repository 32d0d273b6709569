import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@runtime-hub/kernel';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { replaceFile } from '../../store/durable-file.ts';
import { systemClock } from '../../system.ts';
import { openKeyFile } from './key-file.ts';
import { createRedactor, type Redactor } from './redactor.ts';
import { seal, unseal } from './secret-box.ts';
import { formatSecrets, parseSecrets, SECRET_NAME, type KeptSecret } from './secret-file.ts';

/** What may be known of a secret; never its value. Times are milliseconds since 1970. */
export interface SecretInfo {
  readonly name: string;
  readonly createdAt: number;
  /** To the minute; null when it was never used. */
  readonly usedAt: number | null;
}

/** Turns names of secrets into values, for services of the hub only. */
export interface SecretSource {
  /** Throws SECRET_NOT_FOUND. From then on the redactor knows the value. */
  reveal(name: string): string;
  readonly redactor: Redactor;
}

/** Secrets of a hub, encrypted at rest. Everything is durable when it returns. */
export interface Secrets extends SecretSource {
  /** Inserts or replaces. Throws HUB_REQUEST_INVALID for a name or value of the wrong form. */
  set(name: string, value: string): void;
  /** Throws SECRET_NOT_FOUND. */
  remove(name: string): void;
  list(): readonly SecretInfo[];
}

/** A shorter value would stand in half of all texts, and hiding it there would only make holes. */
const MIN_LENGTH = 4;
const MAX_BYTES = 4096;
const MAX_SECRETS = 1000;
/** How exactly the time of a use is kept. */
const USE_STEP_MS = 60_000;

/**
 * Opens the secrets in a hub's data folder: `keys/secrets.json` under the key in `keys/secrets.key`.
 * Throws HUB_REQUEST_INVALID when the key may be read by others, or a secret does not open with it.
 */
export const openSecrets = (folder: string, clock: Pick<Clock, 'now'> = systemClock): Secrets =>
  new SecretStore(join(folder, 'keys'), clock);

class SecretStore implements Secrets {
  readonly redactor = createRedactor();
  readonly #clock: Pick<Clock, 'now'>;
  readonly #file: string;
  readonly #key: Buffer;
  readonly #kept: Map<string, KeptSecret>;

  constructor(folder: string, clock: Pick<Clock, 'now'>) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#clock = clock;
    this.#file = join(folder, 'secrets.json');
    const text = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : null;
    this.#kept = new Map(Object.entries(parseSecrets(text)));
    this.#key = openKeyFile(folder, this.#kept.size > 0);
    for (const [name, { sealed }] of this.#kept) {
      if (unseal(this.#key, name, sealed) === null) throw unopened(name);
    }
  }

  set(name: string, value: string): void {
    checkSecret(name, value);
    if (!this.#kept.has(name) && this.#kept.size >= MAX_SECRETS) {
      throw invalid('name', `secret ${String(MAX_SECRETS + 1)}`, 'Remove secrets nobody uses.');
    }
    const createdAt = this.#clock.now();
    const sealed = seal(this.#key, name, value);
    this.#write(new Map(this.#kept).set(name, { sealed, createdAt, usedAt: null }));
  }

  remove(name: string): void {
    const rest = new Map(this.#kept);
    if (!rest.delete(name)) throw new HubError('SECRET_NOT_FOUND', { secret: name });
    this.#write(rest);
  }

  list(): readonly SecretInfo[] {
    return [...this.#kept]
      .map(([name, { createdAt, usedAt }]) => ({ name, createdAt, usedAt }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  reveal(name: string): string {
    const kept = this.#kept.get(name);
    if (kept === undefined) throw new HubError('SECRET_NOT_FOUND', { secret: name });
    const value = unseal(this.#key, name, kept.sealed);
    if (value === null) throw unopened(name);
    this.redactor.add(name, value);
    const usedAt = this.#clock.now();
    if (kept.usedAt === null || usedAt - kept.usedAt >= USE_STEP_MS) {
      this.#write(new Map(this.#kept).set(name, { ...kept, usedAt }));
    }
    return value;
  }

  /** Memory follows the disk: what was not written is not so. */
  #write(next: ReadonlyMap<string, KeptSecret>): void {
    replaceFile(this.#file, Buffer.from(formatSecrets(Object.fromEntries(next))));
    this.#kept.clear();
    for (const [name, kept] of next) this.#kept.set(name, kept);
  }
}

function checkSecret(name: string, value: string): void {
  if (!SECRET_NAME.test(name)) {
    const cure = 'Use lower-case letters, digits and dashes, a letter first; at most 64.';
    throw invalid('name', name.slice(0, 64), cure);
  }
  if (Array.from(value.trim()).length < MIN_LENGTH) {
    throw invalid('value', 'too short', `Give at least ${String(MIN_LENGTH)} characters.`);
  }
  if (Buffer.byteLength(value) > MAX_BYTES || !value.isWellFormed()) {
    throw invalid('value', 'too long', `Give at most ${String(MAX_BYTES)} bytes of UTF-8.`);
  }
}

const invalid = (field: string, value: string, cure: string): HubError =>
  new HubError('HUB_REQUEST_INVALID', { field, value, cure });

const unopened = (name: string): HubError =>
  invalid(
    'secrets.json',
    name,
    'The secret was changed or belongs to another key: restore secrets.json and secrets.key together.',
  );
