import {
  LogClient,
  eventOf,
  leafHash,
  readPublicKey,
  type LoggedEvent,
} from '@runtime-hub/plugin-sdk/artifact';
import {
  Changes,
  ConsistencyProof,
  HubError,
  type LogEvent,
} from '@runtime-hub/plugin-sdk/contract';
import type { Asked } from './asked.ts';
import type { Memory } from './folder.ts';
import { Frontier } from './frontier.ts';
import { parseReply } from './parse-reply.ts';

export interface LogReaderPorts {
  readonly origin: string;
  /** Ed25519, base64 DER SubjectPublicKeyInfo. */
  readonly logKey: string;
  readonly exchange: Asked;
  readonly memory: Memory;
  readonly now: () => number;
  readonly maxAgeMs: number;
}

/** What is remembered of a log besides its checkpoint: how far it was read, and what still matters of that. */
interface Notes {
  readonly frontier: string;
  readonly events: readonly LoggedEvent[];
}

/** Leaves that are new since the last time. */
export interface Added {
  /** Index of the first. */
  readonly from: number;
  readonly leaves: readonly Buffer[];
}

type Take = (events: readonly LoggedEvent[], added: Added) => Promise<void>;

const PAGE = 1000;

/**
 * Reads a log to its end, leaf by leaf, and believes a leaf only when all of them together give the root of a checkpoint
 * that continues what was pinned: nothing can be left out, put in or shown to one hub only.
 */
export class LogReader {
  readonly #ports: LogReaderPorts;
  readonly #client: LogClient;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ports: LogReaderPorts) {
    this.#ports = ports;
    const publicKey = readPublicKey(ports.logKey)?.publicKey;
    if (publicKey === undefined) throw new HubError('LOG_KEY_MISMATCH', { origin: ports.origin });
    const { origin, exchange, memory, now, maxAgeMs } = ports;
    this.#client = new LogClient({
      key: { origin, publicKey },
      store: memory,
      source: {
        checkpoint: async () => (await exchange.get('/v1/log/checkpoint', 16_384)).toString('utf8'),
        consistency: async (from, to) => await this.#consistency(from, to),
      },
      now,
      maxAgeMs,
    });
  }

  get client(): LogClient {
    return this.#client;
  }

  /**
   * Everything new since the last time: first `take` is called with it, then it is remembered, so that what a crash cut
   * short is told again. Throws LOG_… when the log is not to be believed, REGISTRY_UNREACHABLE.
   */
  async catchUp(take: Take): Promise<void> {
    const turn = this.#turn.then(
      async () => await this.#catchUp(take),
      async () => await this.#catchUp(take),
    );
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  /** Changes of keys and states, from the beginning of the log as far as it was read. */
  async events(): Promise<readonly LoggedEvent[]> {
    return (await this.#notes()).events;
  }

  async #catchUp(take: Take): Promise<void> {
    const { memory, origin } = this.#ports;
    const checkpoint = await this.#client.refresh();
    const known = await this.#notes();
    const frontier = new Frontier(known.frontier);
    const from = frontier.size;
    const fresh: LoggedEvent[] = [];
    const leaves: Buffer[] = [];
    while (frontier.size < checkpoint.size) {
      const page = await this.#page(frontier.size, checkpoint.size);
      for (const leaf of page) {
        const event = eventOf(leaf);
        if (event !== null) fresh.push({ index: frontier.size, event });
        frontier.append(leafHash(leaf));
        leaves.push(leaf);
      }
    }
    const isWhole = frontier.size === checkpoint.size && frontier.root.equals(checkpoint.root);
    if (!isWhole) throw new HubError('LOG_FORKED', { origin, size: checkpoint.size });
    if (leaves.length === 0) return;
    await take(fresh, { from, leaves });
    const events = [...known.events, ...fresh.filter(({ event }) => isKept(event))];
    const notes: Notes = { frontier: frontier.toText(), events };
    await memory.keep(origin, 'log.json', JSON.stringify(notes));
  }

  async #page(from: number, size: number): Promise<readonly Buffer[]> {
    const { exchange, origin } = this.#ports;
    const limit = Math.min(PAGE, size - from);
    const body = await exchange.get(
      `/v1/changes?since=${String(from)}&limit=${String(limit)}`,
      64 * 1024 * 1024,
    );
    const { entries } = parseReply(Changes, body, origin);
    const isNext = entries.every(({ index }, at) => index === from + at);
    if (!isNext || entries.length === 0 || entries.length > limit)
      throw new HubError('REGISTRY_RESPONSE_INVALID', {
        registry: origin,
        detail: 'its changes leave something out',
      });
    return entries.map(({ leaf }) => Buffer.from(leaf, 'base64'));
  }

  async #consistency(from: number, to: number): Promise<readonly Uint8Array[]> {
    const { exchange, origin } = this.#ports;
    const path = `/v1/log/proof?from=${String(from)}&to=${String(to)}`;
    const { proof } = parseReply(ConsistencyProof, await exchange.get(path), origin);
    return proof.map((it) => Buffer.from(it, 'base64'));
  }

  async #notes(): Promise<Notes> {
    const { memory, origin } = this.#ports;
    const text = await memory.recall(origin, 'log.json');
    if (text === null) return { frontier: new Frontier().toText(), events: [] };
    // SAFETY: this class alone writes it.
    return JSON.parse(text) as Notes;
  }
}

/** Publications are many, and each release brings its own receipt. */
const isKept = ({ event }: LogEvent): boolean => event !== 'published';
