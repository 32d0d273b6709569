import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  LogClient,
  MemoryTree,
  consistencyProof,
  entryFor,
  inclusionProof,
  leafHash,
  rootAt,
  signCheckpoint,
  type CheckpointStore,
  type LogEntry,
  type LogSource,
} from '@runtime-hub/plugin-sdk/artifact';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { keyOf } from '../release-parts.ts';

const DAY_MS = 86_400_000;
const START = 1_760_000_000_000;
const signer = { origin: 'reg.acme.example', privateKey: keyOf('ed25519') };
const key = { origin: signer.origin, publicKey: createPublicKey(signer.privateKey) };

/** A log that answers as its owner wants, honest or not. */
class TestLog implements LogSource {
  readonly tree = new MemoryTree();
  readonly leaves: Buffer[] = [];
  shown: string | null = null;
  at = START;

  add(...texts: readonly string[]): this {
    for (const text of texts) {
      this.leaves.push(Buffer.from(text));
      this.tree.append(leafHash(Buffer.from(text)));
    }
    return this;
  }
  note(size = this.tree.size, by = signer): string {
    return signCheckpoint({ size, root: rootAt(this.tree, size), at: this.at }, by);
  }
  receipt(index: number, size = this.tree.size): LogEntry {
    const head = { size, root: rootAt(this.tree, size), at: this.at };
    const proof = inclusionProof(this.tree, index, size);
    const leaf = this.leaves[index] ?? Buffer.alloc(0);
    return entryFor({ leaf, index, proof, checkpoint: this.note(size), ...head }, signer);
  }
  async checkpoint(): Promise<string> {
    return await Promise.resolve(this.shown ?? this.note());
  }
  async consistency(from: number, to: number): Promise<readonly Uint8Array[]> {
    return await Promise.resolve(consistencyProof(this.tree, from, to));
  }
}

function memoryStore(): CheckpointStore & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    read: async (origin) => await Promise.resolve(kept.get(origin) ?? null),
    write: async (origin, note) => void (await Promise.resolve(kept.set(origin, note))),
  };
}

function clientOf(source: LogSource, store = memoryStore(), now = () => START): LogClient {
  return new LogClient({ key, source, store, now, maxAgeMs: 7 * DAY_MS });
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  return await act.then(
    () => 'accepted',
    (error: unknown) => {
      if (error instanceof HubError) return error.code;
      throw error;
    },
  );
}

describe('a client of an honest log', () => {
  test('follows it while it grows, and finds each leaf in it', async () => {
    const log = new TestLog();
    const client = clientOf(log);
    for (let size = 1; size <= 20; size++) {
      log.add(`entry ${String(size)}`);
      expect((await client.refresh()).size).toBe(size);
      for (const [index, leaf] of log.leaves.entries())
        await client.requireIncluded(leaf, index, inclusionProof(log.tree, index, size));
    }
  });

  test('takes the newer of two checkpoints of an idle log, and never the older', async () => {
    const log = new TestLog().add('a');
    const store = memoryStore();
    const client = clientOf(log, store);
    const early = log.note();
    log.at += DAY_MS;
    await client.refresh();
    log.shown = early;
    await client.refresh();
    expect((await client.pinned())?.at).toBe(START + DAY_MS);
  });

  test('starts with an empty log', async () => {
    const log = new TestLog();
    const client = clientOf(log);
    expect((await client.refresh()).size).toBe(0);
    log.add('a', 'b');
    expect((await client.refresh()).size).toBe(2);
  });

  test('takes a clock one day off, either way', async () => {
    for (const off of [-DAY_MS, DAY_MS]) {
      const log = new TestLog().add('a');
      expect(await codeOf(clientOf(log, memoryStore(), () => START + off).refresh())).toBe(
        'accepted',
      );
    }
  });

  test('accepts receipts of trees before and after the pinned one', async () => {
    const log = new TestLog().add('a', 'b', 'c');
    const client = clientOf(log);
    await client.refresh();
    await client.requireReceipt(log.receipt(1, 2));
    log.add('d', 'e');
    await client.requireReceipt(log.receipt(4));
    expect((await client.pinned())?.size).toBe(5);
  });
});

describe('a dishonest log', () => {
  const pinnedAt = async (log: TestLog) => {
    const store = memoryStore();
    await clientOf(log, store).refresh();
    return store;
  };

  test('that shows a smaller tree is refused: rollback', async () => {
    const log = new TestLog().add('a', 'b', 'c');
    const store = await pinnedAt(log);
    log.shown = log.note(2);
    expect(await codeOf(clientOf(log, store).refresh())).toBe('LOG_ROLLED_BACK');
    log.shown = log.note(0);
    expect(await codeOf(clientOf(log, store).refresh())).toBe('LOG_ROLLED_BACK');
  });

  test.each([
    ['of the same size', ['a', 'x', 'c']],
    ['of a greater size', ['a', 'x', 'c', 'd']],
    ['that left one entry out', ['a', 'c', 'd', 'e']],
  ])('that shows another history %s is refused: fork', async (_name, texts) => {
    const store = await pinnedAt(new TestLog().add('a', 'b', 'c'));
    const fork = new TestLog().add(...texts);
    expect(await codeOf(clientOf(fork, store).refresh())).toBe('LOG_FORKED');
    // Its pin stays what it was.
    const honest = new TestLog().add('a', 'b', 'c', 'd');
    expect(await codeOf(clientOf(honest, store).refresh())).toBe('accepted');
  });

  test('that gives a proof too long or none is refused', async () => {
    const log = new TestLog().add('a', 'b', 'c');
    const store = await pinnedAt(log);
    log.add('d');
    for (const proof of [
      [],
      [Buffer.alloc(32)],
      Array.from({ length: 64 }, () => Buffer.alloc(32)),
    ]) {
      const source = {
        checkpoint: async () => await log.checkpoint(),
        consistency: async () => await Promise.resolve(proof),
      };
      expect(await codeOf(clientOf(source, store).refresh())).toBe('LOG_FORKED');
    }
  });

  test('that shows nothing new for longer than allowed is refused: freeze', async () => {
    const log = new TestLog().add('a');
    const store = await pinnedAt(log);
    const later = (ms: number) => codeOf(clientOf(log, store, () => START + ms).refresh());
    expect(await later(7 * DAY_MS)).toBe('accepted');
    expect(await later(7 * DAY_MS + 1)).toBe('LOG_FROZEN');
    log.at = START + 7 * DAY_MS;
    expect(await later(7 * DAY_MS + 1)).toBe('accepted');
  });

  test('that dates a checkpoint years ahead, to look fresh for ever, is refused and not kept', async () => {
    const log = new TestLog().add('a');
    log.at = START + 1000 * DAY_MS;
    const store = memoryStore();
    expect(await codeOf(clientOf(log, store).refresh())).toBe('LOG_TIME_AHEAD');
    expect(await codeOf(clientOf(log, store).requireReceipt(log.receipt(0)))).toBe(
      'LOG_TIME_AHEAD',
    );
    expect(store.kept.size).toBe(0);
  });

  test('of another origin or key is refused', async () => {
    const log = new TestLog().add('a');
    log.shown = log.note(1, { ...signer, origin: 'reg.evil.example' });
    expect(await codeOf(clientOf(log).refresh())).toBe('LOG_ORIGIN_MISMATCH');
    log.shown = log.note(1, { ...signer, privateKey: keyOf('ed25519') });
    expect(await codeOf(clientOf(log).refresh())).toBe('LOG_KEY_MISMATCH');
  });

  test('that gives a receipt of a tree it shows to nobody else is refused', async () => {
    const log = new TestLog().add('a', 'b', 'c');
    const store = await pinnedAt(log);
    const secret = new TestLog().add('a', 'stolen');
    const longer = new TestLog().add('a', 'b', 'x', 'stolen');
    expect(await codeOf(clientOf(log, store).requireReceipt(secret.receipt(1)))).toBe('LOG_FORKED');
    expect(await codeOf(clientOf(longer, store).requireReceipt(longer.receipt(3)))).toBe(
      'LOG_FORKED',
    );
  });

  test('that dates a release back, to make it look long known, is refused', async () => {
    const log = new TestLog().add('a', 'b');
    const store = memoryStore();
    const later = (ms: number) => clientOf(log, store, () => START + ms);
    await later(0).refresh();
    log.at = START + DAY_MS;
    await later(DAY_MS).refresh();
    const dated = (index: number, ms: number): LogEntry => ({
      ...log.receipt(index),
      integratedTime: String((START + ms) / 1000),
    });
    log.at = START + 2 * DAY_MS;
    log.add('new');
    const verdict = (index: number, ms: number) =>
      codeOf(later(2 * DAY_MS).requireReceipt(dated(index, ms)));
    // Before the newest pin it can't have been there, nor can what was there be younger than the first pin.
    expect(await verdict(2, -3 * DAY_MS)).toBe('LOG_MISDATED');
    expect(await verdict(2, DAY_MS - 3_600_000)).toBe('LOG_MISDATED');
    expect(await verdict(2, 2 * DAY_MS)).toBe('accepted');
    expect(await verdict(0, 3_600_000)).toBe('LOG_MISDATED');
    expect(await verdict(0, -DAY_MS)).toBe('accepted');
    // Also once the tree that holds it is pinned, the earlier pin still tells.
    await later(2 * DAY_MS).refresh();
    expect(await verdict(2, -3 * DAY_MS)).toBe('LOG_MISDATED');
  });

  test('leaves no endless trail of pins, however often it is asked', async () => {
    const log = new TestLog();
    const store = memoryStore();
    for (let hour = 0; hour < 24 * 30; hour += 3) {
      log.at = START + hour * 3_600_000;
      log.add(String(hour));
      await clientOf(log, store, () => log.at).refresh();
    }
    // SAFETY: the client writes a list of notes.
    const notes = JSON.parse(store.kept.get(key.origin) ?? '') as string[];
    expect(notes).toHaveLength(40);
    const times = notes.map((note) => Number(/Timestamp: (\d+)/u.exec(note)?.[1]));
    expect(times[0]).toBe(log.at);
    expect(Math.min(...times)).toBeLessThan(log.at - 9 * DAY_MS);
  });

  test('that calls a leaf its own without a proof is refused', async () => {
    const log = new TestLog().add('a', 'b', 'c');
    const client = clientOf(log);
    const proof = inclusionProof(log.tree, 1, 3);
    expect(await codeOf(client.requireIncluded(Buffer.from('b'), 1, proof))).toBe(
      'LOG_PROOF_INVALID',
    );
    await client.refresh();
    expect(await codeOf(client.requireIncluded(Buffer.from('b'), 1, proof))).toBe('accepted');
    expect(await codeOf(client.requireIncluded(Buffer.from('x'), 1, proof))).toBe(
      'LOG_PROOF_INVALID',
    );
    expect(await codeOf(client.requireIncluded(Buffer.from('b'), 0, proof))).toBe(
      'LOG_PROOF_INVALID',
    );
  });

  test('cannot be helped by whoever changes the store', async () => {
    const log = new TestLog().add('a', 'b');
    const store = await pinnedAt(log);
    store.kept.set(key.origin, (store.kept.get(key.origin) ?? '').replace('\\n2\\n', '\\n0\\n'));
    expect(await codeOf(clientOf(log, store).refresh())).toBe('LOG_CHECKPOINT_FORGED');
    for (const text of ['', 'null', '{}', '[""]', '[1]']) {
      store.kept.set(key.origin, text);
      expect(await codeOf(clientOf(log, store).refresh())).toBe('LOG_CHECKPOINT_MALFORMED');
    }
  });
});

test('a slower answer never replaces a newer pin', async () => {
  const log = new TestLog().add('a', 'b');
  const store = memoryStore();
  const early = log.note();
  log.add('c', 'd');
  const answers = [early, log.note()];
  const gates = answers.map(() => Promise.withResolvers<string>());
  let asked = 0;
  const source: LogSource = {
    checkpoint: async () => await (gates[asked++]?.promise ?? ''),
    consistency: async (from, to) => await log.consistency(from, to),
  };
  const client = clientOf(source, store);
  const both = [client.refresh(), client.refresh()];
  gates[1]?.resolve(answers[1] ?? '');
  gates[0]?.resolve(answers[0] ?? '');
  expect((await Promise.all(both)).map(({ size }) => size)).toEqual([2, 4]);
  expect((await client.pinned())?.size).toBe(4);
});

test('whatever a log shows one after the other, the pin never shrinks and never changes its past', async () => {
  const step = fc.record({ grow: fc.nat(3), show: fc.option(fc.nat(20)), forked: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const [log, store] = [new TestLog(), memoryStore()];
      let pinned = 0;
      for (const [at, { grow, show, forked }] of steps.entries()) {
        log.add(...Array.from({ length: grow }, (_, i) => `${String(at)}-${String(i)}`));
        const fork = new TestLog().add(...log.leaves.map((_, i) => `fork ${String(i)}`));
        const source = forked ? fork : log;
        source.shown = show === null ? null : source.note(Math.min(show, source.tree.size));
        await codeOf(clientOf(source, store).refresh());
        const now = await clientOf(log, store).pinned();
        expect(now?.size ?? 0).toBeGreaterThanOrEqual(pinned);
        pinned = now?.size ?? 0;
      }
      const end = await clientOf(log, store).pinned();
      const isFork = end !== null && end.size > 0 && !end.root.equals(rootAt(log.tree, end.size));
      // A client that first met the fork stays with it: it can't know better, but it never changes over.
      if (isFork)
        expect(await codeOf(clientOf(log, store).refresh())).toMatch(/LOG_FORKED|LOG_ROLLED_BACK/u);
    }),
    { numRuns: 100 },
  );
});
