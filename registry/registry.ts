import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { createApp, type Report } from './app.ts';
import { createAccess, makeToken } from './auth/index.ts';
import { openBlobs } from './blobs/index.ts';
import { createDownloads } from './downloads.ts';
import { systemClock, type Clock } from './clock.ts';
import { addressOf, rateLimit } from './http/index.ts';
import { openLog, openLogKey } from './log/index.ts';
import { createMeter } from './meter.ts';
import { Mirrors, mirrorRoutes } from './mirror/index.ts';
import { DEFAULT_LIMITS, type Change, type Limits, type Parts } from './parts.ts';
import { releaseAged } from './publish/index.ts';
import { Scanner } from './scan/index.ts';
import { attachPush } from './push/index.ts';
import { openRootOfTrust } from './root-of-trust.ts';
import { openStore, type Store } from './store/index.ts';

export interface RegistryOptions {
  /** Data folder, made when missing; for this process alone. */
  readonly folder: string;
  /** Name of the log and of this registry, such as `reg.acme.internal`: set at the first start, never changed. */
  readonly origin?: string;
  readonly clock?: Clock;
  readonly limits?: Partial<Limits>;
  readonly report?: Report;
}

/** A running registry. Whoever made it closes it. */
export interface Registry {
  readonly app: Hono;
  readonly origin: string;
  /** SHA-256, hex, of the log's key. */
  readonly fingerprint: string;
  /** Told once, at the first start; null later. */
  readonly adminToken: string | null;
  /** Makes a further token for an admin: for whoever holds the data folder and lost theirs. */
  readonly newAdminToken: () => string;
  /** Lets clients connect to this server to be told of changes. */
  attach(server: Server): Disposable;
  /** What is due by the clock: lets aged versions go, writes down counts, forgets what has expired. */
  tick(): void;
  close(): void;
}

const DEFAULT_ORIGIN = '127.0.0.1:3100';
const TICK_MS = 5000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Opens a registry on its data folder. Throws REGISTRY_BUSY, REGISTRY_DATA_NEWER, REGISTRY_ORIGIN_CHANGED. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { folder, clock = systemClock, report = () => undefined } = options;
  using opened = new DisposableStack();
  const store = opened.adopt(openStore(folder), (it) => it.close());
  const { parts, tick, newAdminToken } = await partsOf({ ...options, clock }, store);
  const adminToken = store.tokens.hasAdmin() ? null : newAdminToken();
  opened.defer(() => parts.downloads.flush());
  opened.use(parts.scanner);
  const mirrors = opened.use(new Mirrors(parts, report));
  const ticks = (): void => {
    safely(tick, report);
    safely(() => mirrors.tick(), report);
  };
  opened.adopt(setInterval(ticks, TICK_MS).unref(), clearInterval);
  const app = createApp(parts, report).route('/', mirrorRoutes(parts, mirrors));
  const all = opened.move();
  return {
    app,
    origin: parts.log.origin,
    fingerprint: parts.log.fingerprint,
    adminToken,
    newAdminToken,
    attach: (server) =>
      attachPush(server, {
        caller: (token, address) => parts.access.holderOf(token, address),
        readable: (caller) => parts.access.readable(caller),
        onChange: parts.onChange,
      }),
    tick,
    close: () => all.dispose(),
  };
}

interface Made {
  readonly parts: Parts;
  readonly tick: () => void;
  readonly newAdminToken: () => string;
}

async function partsOf(
  options: RegistryOptions & { readonly clock: Clock },
  store: Store,
): Promise<Made> {
  const { folder, clock } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const guesses = rateLimit(limits.guessesPerMinute, clock);
  const access = createAccess(store, clock, guesses);
  const listeners: ((change: Change) => void)[] = [];
  const log = openLog(
    store,
    { origin: originOf(options, store), privateKey: openLogKey(folder) },
    clock,
  );
  const parts: Parts = {
    folder,
    store,
    clock,
    access,
    limits,
    log,
    root: openRootOfTrust(folder, log, clock),
    blobs: await openBlobs(join(folder, 'blobs')),
    rates: { guesses, publishes: rateLimit(limits.publishesPerMinute, clock) },
    meter: createMeter(),
    downloads: createDownloads(store),
    scanner: new Scanner(),
    caller: (context) => access.callerOf(context.req.raw, addressOf(context)),
    changed: (change) => {
      for (const listener of listeners) listener(change);
    },
    onChange: (listener) => void listeners.push(listener),
    audit: (record) => store.audit.add({ at: clock.now(), ...record }),
  };
  return { parts, tick: ticker(parts), newAdminToken: () => newAdminToken(parts) };
}

/** A log's name is part of every checkpoint, so it cannot change. */
function originOf({ origin }: RegistryOptions, { settings }: Store): string {
  const known = settings.get('origin');
  if (known !== null && origin !== undefined && origin !== known)
    throw new HubError('REGISTRY_ORIGIN_CHANGED', { known, given: origin });
  const name = known ?? origin ?? DEFAULT_ORIGIN;
  if (known === null) settings.set('origin', name);
  return name;
}

function newAdminToken({ store, clock, audit }: Parts): string {
  const wish = {
    scope: 'admin',
    namespace: null,
    plugin: null,
    note: 'made at the console',
    expiresAt: null,
  } as const;
  return store.transaction(() => {
    const { id, token } = makeToken(store, clock, wish);
    audit({ actor: 'console', act: 'token.add', target: id, detail: 'admin' });
    return token;
  });
}

/** What is done from time to time, and what of it seldom. */
function ticker(parts: Parts): () => void {
  const { store, clock, downloads, root } = parts;
  let seldomAt = clock.now();
  return () => {
    releaseAged(parts);
    downloads.flush();
    const now = clock.now();
    if (now - seldomAt < HOUR_MS) return;
    seldomAt = now;
    store.tokens.forget(now - DAY_MS);
    store.workloads.forget(now);
    root.keepFresh();
  };
}

function safely(work: () => void, report: Report): void {
  try {
    work();
  } catch (error) {
    report({ level: 'error', event: 'mistake', error: String(error) });
  }
}
