import { setTimeout as after } from 'node:timers/promises';
import { eventOf, leafHash, readArtifact, signArtifact } from '@runtime-hub/plugin-sdk/artifact';
import { HubError, type LogEvent } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { openBlobs } from '../../registry/blobs/index.ts';
import { RegistryClient, shortMemory } from '../../registry/client/index.ts';
import { openStore } from '../../registry/store/index.ts';
import {
  ORIGIN,
  artifactOf,
  askAt,
  formOf,
  makePublisher,
  type Publisher,
} from '../registry/open-registry.ts';
import { temporaryFolder } from '../support/hub.ts';
import { startRegistry, type RegistryProcess } from '../support/registry-process.ts';
import { spread } from '../bench/figures.ts';

const KILLS = 50;
const PUBLISHERS = ['acme', 'globex', 'umbrella'];
/** Publications that each publisher has under way at once. */
const WIDTH = 2;
/** Most answers, and most milliseconds after the last of them, that a life lasts. */
const MOST = { answers: 12, ms: 60 };

const nameOf = (lane: number): string => `pack-${String(lane)}`;

/** Something that was sent: whether it was taken is known once it is answered. */
interface Sent {
  readonly publisher: Publisher;
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  readonly artifact: Uint8Array<ArrayBuffer>;
  readonly bundle: string;
  /** Leaf that the registry named; null before its answer. */
  logIndex: number | null;
}

/** All that clients know of the registry from one life of it to the next. */
class Witnesses {
  readonly sent: Sent[] = [];
  readonly memory = shortMemory();
  readonly starts: { readonly ms: number; readonly cpuMs: number }[] = [];
  acknowledged = 0;
  /** Of what had no answer: what the registry had nevertheless, and what it had not. */
  readonly resumed = { kept: 0, gone: 0 };
  #count = 0;

  readonly publishers: readonly Publisher[];
  readonly logKey: string;

  constructor(publishers: readonly Publisher[], logKey: string) {
    this.publishers = publishers;
    this.logKey = logKey;
  }

  async next(publisher: Publisher, lane: number): Promise<Sent> {
    const version = `1.0.${String((this.#count += 1))}`;
    // Of one plugin the registry takes only ever higher versions.
    const id = `${publisher.namespace}/${nameOf(lane)}`;
    const artifact = artifactOf(id, version);
    const bundle = await signArtifact(artifact, publisher.key);
    const { digest } = readArtifact(artifact);
    const sent: Sent = { publisher, id, version, digest, artifact, bundle, logIndex: null };
    this.sent.push(sent);
    return sent;
  }

  client(url: string): RegistryClient {
    const { memory, logKey } = this;
    return new RegistryClient({
      ...{ origin: ORIGIN, url, logKey, memory, maxAgeMs: 3_600_000, now: () => Date.now() },
    });
  }
}

/** Sends it, or sends it again; null when the registry died meanwhile. */
async function send(url: string, it: Sent): Promise<number | null> {
  try {
    const reply = await askAt(url)('POST', '/v1/publish', {
      token: it.publisher.token,
      headers: { 'idempotency-key': `${it.publisher.namespace}:${it.version}` },
      body: formOf(it.artifact, it.bundle),
    });
    expect(reply.text).toContain(it.digest);
    expect(reply.status).toBe(201);
    return Number(reply.json.logIndex);
  } catch (error) {
    // What fetch throws when a connection breaks.
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** When a life ends: so many answers after its beginning, and so many milliseconds after that. */
interface Moment {
  readonly answers: number;
  readonly ms: number;
}

/** Publishes and reads until the registry dies. */
async function workUntilKilled(
  registry: RegistryProcess,
  known: Witnesses,
  { answers, ms }: Moment,
): Promise<void> {
  const { url } = registry;
  const end = new AbortController();
  const enough = Promise.withResolvers<void>();
  let left = answers;
  const publishing = async (publisher: Publisher, lane: number): Promise<void> => {
    while (!end.signal.aborted) {
      const it = await known.next(publisher, lane);
      it.logIndex = await send(url, it);
      if (it.logIndex === null) return;
      known.acknowledged += 1;
      if ((left -= 1) <= 0) enough.resolve();
    }
  };
  const watching = async (): Promise<void> => {
    using client = known.client(url);
    while (!end.signal.aborted) await client.catchUp(async () => {}).catch(unreachable);
  };
  const work = Promise.all([
    ...known.publishers.flatMap((it) =>
      Array.from({ length: WIDTH }, async (_, lane) => await publishing(it, lane)),
    ),
    watching(),
  ]);
  if (answers > 0) await Promise.race([enough.promise, work]);
  // The moment of the kill is the input of this test, not a wait for anything.
  await after(ms);
  end.abort();
  await registry.kill();
  await work;
}

function unreachable(error: unknown): void {
  if (!HubError.is(error, 'REGISTRY_UNREACHABLE')) throw error;
}

/** The registry after a kill: what was acknowledged is there, and what was not can be sent again, once. */
async function checkAfter(url: string, known: Witnesses, from: number): Promise<void> {
  // Refuses a log that is shorter than any checkpoint seen before the kill, or another.
  using client = known.client(url);
  await client.catchUp(async () => {});
  for (const it of known.sent.slice(from)) {
    const found = await askAt(url)('GET', `/v1/plugins/${it.id}/${it.version}`);
    if (it.logIndex === null) {
      expect([200, 404]).toContain(found.status);
      it.logIndex = await send(url, it);
      if (found.status === 200) expect(it.logIndex).toBe(found.json.logIndex);
      known.resumed[found.status === 200 ? 'kept' : 'gone'] += 1;
    } else {
      const { digest, logIndex } = it;
      expect(found.json).toMatchObject({ digest, logIndex, state: 'active' });
    }
  }
}

/** The data folder itself, once nobody has it open. */
async function checkFolder(folder: string, { sent }: Witnesses): Promise<void> {
  const store = openStore(folder);
  const blobs = await openBlobs(`${folder}/blobs`);
  const leaves = store.leaves.from(0, store.leaves.size());
  const events = leaves.map((leaf) => eventOf(leaf));
  const rows = PUBLISHERS.flatMap((name) =>
    Array.from({ length: WIDTH }, (_, lane) => store.versions.of(`${name}/${nameOf(lane)}`)).flat(),
  );
  expect(rows).toHaveLength(sent.length);
  for (const { plugin, version, digest, logIndex, state } of rows) {
    expect({ version, state }).toEqual({ version, state: 'active' });
    expect(events[logIndex]).toMatchObject({ event: 'published', plugin, version, digest });
    expect(await blobs.has(digest)).toBe(true);
  }
  for (const [index, leaf] of leaves.entries())
    expect(store.leaves.node(0, index)).toEqual(leafHash(leaf));
  const told = events.flatMap((it) => (it === null ? [] : toldBy(it)));
  expect(new Set(told).size, 'no version is published or made active twice').toBe(told.length);
  store.close();
}

const toldBy = (event: LogEvent): string[] =>
  event.event === 'key' ? [] : [`${event.event} ${event.plugin}@${event.version}`];

/** The same numbers for the same seed (xorshift32), below 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

test(
  'a registry killed at 50 random moments of concurrent publishing loses nothing it acknowledged and logs all it has',
  { timeout: 600_000 },
  async () => {
    using folder = temporaryFolder('registry-kill');
    const known = await begin(folder.path);
    const next = seeded(20_261_121);
    let from = 0;
    for (let kill = 0; kill <= KILLS; kill++) {
      await using registry = await startRegistry(folder.path);
      known.starts.push({ ms: registry.startMs, cpuMs: registry.startCpuMs });
      await checkAfter(registry.url, known, from);
      from = known.sent.length;
      const moment = { answers: Math.floor(next() * MOST.answers), ms: next() * MOST.ms };
      if (kill < KILLS) await workUntilKilled(registry, known, moment);
    }
    await checkFolder(folder.path, known);
    const { acknowledged, resumed, sent, starts } = known;
    const wall = spread(starts.map((it) => it.ms));
    const cpu = spread(starts.map((it) => it.cpuMs));
    const counts = { kills: KILLS, sent: sent.length, acknowledged, ...resumed };
    console.log(JSON.stringify({ ...counts, restartMs: { wall, cpu } }));
    expect(acknowledged).toBeGreaterThan(2 * KILLS);
    expect(resumed.gone + resumed.kept).toBe(sent.length - acknowledged);
    // The clock on the wall also counts what other processes of a busy machine take.
    expect(cpu.p95).toBeLessThan(2000);
  },
);

/** The first life: publishers with their keys. */
async function begin(folder: string): Promise<Witnesses> {
  await using registry = await startRegistry(folder, ['--origin', ORIGIN, '--new-admin-token']);
  const ask = askAt(registry.url);
  const { adminToken: token } = registry;
  if (token === null) throw new Error('It told no token.');
  const admin: typeof ask = async (method, path, more) =>
    await ask(method, path, { token, ...more });
  const publishers: Publisher[] = [];
  for (const name of PUBLISHERS) publishers.push(await makePublisher({ admin, ask }, name));
  const { logKey } = (await ask('GET', '/v1/')).json;
  return new Witnesses(publishers, String(logKey));
}
