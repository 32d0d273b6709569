import { createHash, randomBytes } from 'node:crypto';
import {
  signArtifact,
  spkiOf,
  unboundedKey,
  verifyRelease,
  type PublisherKey,
  type ReleaseTrust,
} from '@runtime-hub/plugin-sdk/artifact';
import { ORIGIN, artifactOf, askAt, formOf } from '../registry/open-registry.ts';
import { temporaryFolder } from '../support/hub.ts';
import { startRegistry } from '../support/registry-process.ts';
import { spread } from './figures.ts';
import { loadOf, type Load } from './load.ts';
import type { Row } from './main.ts';
import { NAMESPACE, nameAt, seed, wordAt } from './registry-seed.ts';
import { openVerdaccio, type Verdaccio } from './verdaccio.ts';

const PACKS = 5000;
const PACK_BYTES = 50 * 1024;
const CONNECTIONS = 32;
const ROUNDS = 3;
const READS = 6000;
const SEARCHES = 600;
const SERIAL = 40;
const READ_BUDGET_MS = 10;
const VERIFY_BUDGET_MS = 5;

/** One side's figures, milliseconds, or what a load gave. */
interface Figures {
  readonly publish: number;
  readonly install: number;
  readonly read: Load;
  readonly search: Load;
}

/** This registry with 5,000 packs in its catalog, and verdaccio with as many, on the same machine in the same run. */
export async function measureRegistry(): Promise<readonly Row[]> {
  using folder = temporaryFolder('bench-registry');
  const ours = await measureOurs(`${folder.path}/ours`);
  const other = await openVerdaccio(`${folder.path}/verdaccio`, PACKS);
  if (typeof other === 'string') return [...rowsOf(ours, null), absent(other)];
  await using verdaccio = other;
  return rowsOf(ours, await measureVerdaccio(verdaccio));
}

interface OurFigures extends Figures {
  readonly verify: number;
  readonly startMs: number;
}

async function measureOurs(folder: string): Promise<OurFigures> {
  const key = await seed(folder, PACKS);
  await using registry = await startRegistry(folder, ['--new-admin-token']);
  const { url, startMs } = registry;
  const ask = askAt(url);
  const { logKey } = (await ask('GET', '/v1/')).json;
  const trust = trustIn(String(logKey), key);
  const token = String(
    (
      await ask('POST', '/v1/admin/tokens', {
        ...{ token: registry.adminToken ?? '' },
        json: { scope: 'publish', namespace: NAMESPACE, note: 'bench' },
      })
    ).json.token,
  );
  const packs = await Promise.all(
    Array.from({ length: SERIAL }, async (_, index) => {
      const artifact = artifactOf(
        `${NAMESPACE}/large-${String(index)}`,
        '1.0.0',
        {},
        { 'data.bin': filler() },
      );
      return {
        name: `large-${String(index)}`,
        artifact,
        bundle: await signArtifact(artifact, key),
      };
    }),
  );
  const publish = await median(packs, async ({ artifact, bundle }) => {
    const { status, text } = await ask('POST', '/v1/publish', {
      token,
      body: formOf(artifact, bundle),
    });
    if (status !== 201) throw new Error(text);
  });
  const install = await median(packs, async ({ name }) => await installOurs(url, name, trust));
  const path = `/v1/plugins/${NAMESPACE}`;
  const read = await load(url, READS, (index) => `${path}/${nameAt(mixed(index))}`);
  const search = await load(url, SEARCHES, (index) => `/v1/plugins?q=${wordsAt(index)}`);
  const verify = await verifyOne(url, trust);
  return { publish, install, read, search, startMs, verify };
}

function trustIn(logKey: string, key: PublisherKey): ReleaseTrust {
  const keys = new Map([[key.hint, unboundedKey(spkiOf(key))]]);
  return { originsFor: () => [{ origin: ORIGIN, logKey, keys }] };
}

async function bytesOf(url: string): Promise<Buffer> {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url} answered ${String(reply.status)}`);
  return Buffer.from(await reply.arrayBuffer());
}

/** Record, artifact and bundle, and the whole verification. */
async function installOurs(url: string, name: string, trust: ReleaseTrust): Promise<void> {
  const path = `${url}/v1/plugins/${NAMESPACE}/${name}`;
  // SAFETY: our own registry's record.
  const { versions } = JSON.parse(String(await bytesOf(path))) as {
    readonly versions: readonly { readonly version: string; readonly digest: string }[];
  };
  const [newest] = versions;
  if (newest === undefined) throw new Error('There is no version.');
  const { version, digest } = newest;
  const [artifact, bundle] = await Promise.all([
    bytesOf(`${url}/v1/blobs/sha512/${digest.slice('sha512-'.length)}`),
    bytesOf(`${path}/${version}/bundle`),
  ]);
  verifyRelease(artifact, bundle.toString(), trust);
}

async function verifyOne(url: string, trust: ReleaseTrust): Promise<number> {
  const path = `${url}/v1/plugins/${NAMESPACE}/${nameAt(7)}/1.0.0`;
  // SAFETY: our own registry's record.
  const { digest } = JSON.parse(String(await bytesOf(path))) as { readonly digest: string };
  const artifact = await bytesOf(`${url}/v1/blobs/sha512/${digest.slice('sha512-'.length)}`);
  const bundle = String(await bytesOf(`${path}/bundle`));
  return await median(Array.from({ length: 5 * SERIAL }), () =>
    verifyRelease(artifact, bundle, trust),
  );
}

async function measureVerdaccio(verdaccio: Verdaccio): Promise<Figures> {
  const { url } = verdaccio;
  const packs = Array.from({ length: SERIAL }, (_, index) => ({
    name: `large-${String(index)}`,
    tarball: artifactOf('bench/large', '1.0.0', {}, { 'data.bin': filler() }),
  }));
  const publish = await median(
    packs,
    async ({ name, tarball }) => await verdaccio.publish(name, tarball),
  );
  const install = await median(packs, async ({ name }) => await installTheirs(url, name));
  const read = await load(url, READS, (index) => `/${nameAt(mixed(index))}`);
  // Each of its searches reads every package from the disk.
  const search = await loadOf(url, { count: CONNECTIONS, connections: CONNECTIONS }, (index) => {
    return `/-/v1/search?size=20&text=${wordsAt(index)}`;
  });
  return { publish, install, read, search };
}

/** Metadata and tarball, and the hash that the metadata names. */
async function installTheirs(url: string, name: string): Promise<void> {
  // SAFETY: what npm clients read.
  const { versions } = JSON.parse(String(await bytesOf(`${url}/${name}`))) as {
    readonly versions: Readonly<
      Record<string, { readonly dist: { tarball: string; integrity: string } }>
    >;
  };
  const dist = versions['1.0.0']?.dist;
  const tarball = await bytesOf(dist?.tarball ?? '');
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  if (integrity !== dist?.integrity) throw new Error('verdaccio gave other bytes.');
}

/** Text that does not pack, of about the size of a pack. */
const filler = (): string => randomBytes((PACK_BYTES * 3) / 4).toString('base64');

/** Serial calls, the first of them thrown away; milliseconds. */
async function median<T>(items: readonly T[], act: (item: T) => unknown): Promise<number> {
  const times: number[] = [];
  for (const item of items) {
    const start = performance.now();
    await act(item);
    times.push(performance.now() - start);
  }
  return spread(times.slice(1)).p50;
}

/** The median round of a load, by its 95th percentile, after one that warms up. */
async function load(url: string, count: number, pathOf: (index: number) => string): Promise<Load> {
  const rounds: Load[] = [];
  for (let round = 0; round <= ROUNDS; round++)
    rounds.push(
      await loadOf(
        url,
        { count: round === 0 ? count / 4 : count, connections: CONNECTIONS },
        pathOf,
      ),
    );
  const sorted = rounds.slice(1).toSorted((a, b) => a.p95 - b.p95);
  const [middle] = sorted.slice(ROUNDS >> 1);
  if (middle === undefined) throw new Error('There was no round.');
  return middle;
}

/** Any pack, but the same ones in every run: the finalizer of MurmurHash3. */
function mixed(index: number): number {
  let hash = Math.imul(index ^ (index >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return ((hash ^ (hash >>> 16)) >>> 0) % PACKS;
}

const wordsAt = (index: number): string =>
  index % 2 === 0 ? `${wordAt(index)}+${wordAt(index >> 3)}` : String(mixed(index));

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const both = (ours: string, theirs: string | undefined): string =>
  theirs === undefined ? ours : `${ours} · verdaccio ${theirs}`;
const shown = ({ p50, p95, perSecond }: Load): string =>
  `p50 ${ms(p50)} p95 ${ms(p95)} ${perSecond.toFixed(0)}/s`;

function rowsOf(ours: OurFigures, theirs: Figures | null): readonly Row[] {
  const pair = (what: string, of: (figures: Figures) => string): Row => ({
    what,
    figure: both(of(ours), theirs === null ? undefined : of(theirs)),
  });
  return [
    pair('publish a 50 kB pack', (it) => ms(it.publish)),
    pair('fetch a 50 kB pack and check it', (it) => ms(it.install)),
    {
      ...pair('read metadata, 5,000 packs, 32 connections', (it) => shown(it.read)),
      budget: `p95 ≤ ${String(READ_BUDGET_MS)} ms`,
      isMet: ours.read.p95 <= READ_BUDGET_MS,
    },
    {
      ...pair('search, 5,000 packs, 32 connections', (it) => shown(it.search)),
      budget: `p95 ≤ ${String(READ_BUDGET_MS)} ms`,
      isMet: ours.search.p95 <= READ_BUDGET_MS,
    },
    {
      what: 'whole verification of a small pack',
      figure: `${ours.verify.toFixed(2)} ms`,
      budget: `≤ ${String(VERIFY_BUDGET_MS)} ms`,
      isMet: ours.verify <= VERIFY_BUDGET_MS,
    },
    { what: 'start of a registry with 5,000 packs', figure: `${ours.startMs.toFixed(0)} ms` },
  ];
}

const absent = (why: string): Row => ({ what: 'verdaccio could not be installed', figure: why });
