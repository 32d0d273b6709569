import { HubError } from '../../contract/index.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { LogEntry } from './entry.ts';
import { checkFresh, checkGrowth, checkNotAhead } from './history.ts';
import { isIncluded, leafHash } from './merkle.ts';
import type { LogKey } from './note.ts';
import { checkDate, readPins, withPin, writePins, type Pin } from './pins.ts';

/** Where a log is read: a registry, a mirror, a folder. What it gives is believed only after it is checked. */
export interface LogSource {
  /** The newest checkpoint, a signed note. */
  checkpoint(): Promise<string>;
  /** RFC 9162 consistency proof from the tree of `from` leaves to that of `to`. */
  consistency(from: number, to: number): Promise<readonly Uint8Array[]>;
}

/** Keeps what a client accepted of a log, one text per origin; the client alone reads it. */
export interface CheckpointStore {
  read(origin: string): Promise<string | null>;
  write(origin: string, pins: string): Promise<void>;
}

export interface LogClientPorts {
  readonly key: LogKey;
  readonly source: LogSource;
  readonly store: CheckpointStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How old the newest checkpoint may be. */
  readonly maxAgeMs: number;
}

/**
 * Follows one log: what it once accepted it holds the log to. Refuses another origin or key, a log that shrank
 * (LOG_ROLLED_BACK), that tells another history (LOG_FORKED), or that shows nothing new (LOG_FROZEN).
 */
export class LogClient {
  readonly #ports: LogClientPorts;
  /** One at a time, so that no slower answer replaces a newer pin. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: LogClientPorts) {
    this.#ports = ports;
  }

  /** The last checkpoint that was accepted; null before the first. Throws when somebody changed the store. */
  async pinned(): Promise<Pin | null> {
    return (await this.#pins())[0] ?? null;
  }

  /** Takes the newest checkpoint. What is older than allowed is kept too, then refused: LOG_FROZEN. */
  async refresh(): Promise<Checkpoint> {
    return await this.#alone(async () => {
      const { source, now, maxAgeMs } = this.#ports;
      const checkpoint = await this.#accept(await source.checkpoint());
      checkFresh(checkpoint, now(), maxAgeMs);
      return checkpoint;
    });
  }

  /** Throws unless the leaf stands at `index` of the pinned tree: LOG_PROOF_INVALID. */
  async requireIncluded(
    leaf: Uint8Array,
    index: number,
    proof: readonly Uint8Array[],
  ): Promise<void> {
    const { origin } = this.#ports.key;
    const pinned = await this.pinned();
    const isThere =
      pinned !== null && isIncluded({ ...pinned, index, leaf: leafHash(leaf), proof });
    if (!isThere) throw new HubError('LOG_PROOF_INVALID', { origin, index });
  }

  /**
   * Throws unless the tree of a receipt is part of the pinned history, or continues it, which pins it, and the receipt's
   * date fits what was pinned (LOG_MISDATED): a dishonest log can then neither show a release to one hub only nor date it
   * back. That the leaf is in that tree is for the verifier of the bundle.
   */
  async requireReceipt({
    logIndex = '0',
    integratedTime,
    inclusionProof,
  }: LogEntry): Promise<void> {
    await this.#alone(async () => {
      const { key, source } = this.#ports;
      const note = inclusionProof.checkpoint.envelope;
      const receipt = openCheckpoint(note, key);
      checkDate(await this.#pins(), { index: Number(logIndex), at: Number(integratedTime) * 1000 });
      const pinned = await this.pinned();
      if (pinned === null || receipt.size > pinned.size) return void (await this.#accept(note));
      checkGrowth(receipt, pinned, await this.#proof(source, receipt.size, pinned.size));
    });
  }

  async #accept(note: string): Promise<Checkpoint> {
    const { key, source, store, now } = this.#ports;
    const offered = openCheckpoint(note, key);
    checkNotAhead(offered, now());
    const pins = await this.#pins();
    const [pinned] = pins;
    if (pinned !== undefined)
      checkGrowth(pinned, offered, await this.#proof(source, pinned.size, offered.size));
    const isNewer = pinned === undefined || offered.size > pinned.size || offered.at > pinned.at;
    if (isNewer) await store.write(key.origin, writePins(withPin(pins, { ...offered, note })));
    return offered;
  }

  async #pins(): Promise<readonly Pin[]> {
    const { store, key } = this.#ports;
    return readPins(await store.read(key.origin), key);
  }

  async #proof(source: LogSource, from: number, to: number): Promise<readonly Uint8Array[]> {
    return from === 0 || from >= to ? [] : await source.consistency(from, to);
  }

  async #alone<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act, act);
    this.#last = turn.catch(() => undefined);
    return await turn;
  }
}
