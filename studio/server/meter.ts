import { readFile } from 'node:fs/promises';
import type { Audit, Bus, Clock, PluginSource } from '@runtime-hub/kernel';
import {
  splitNodeType,
  type AuditRecord,
  type HubEvent,
  type MeterReading,
  type NodeTypeId,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import type { MeterStore } from './store/store.ts';

/** What a process used since its start. `startedAt` tells it from a later one of the same pid. */
export interface ProcessUse {
  readonly startedAt: number;
  readonly cpuMs: number;
  readonly peakRssBytes: number;
}

export interface MeterPorts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly plugins: PluginSource;
  readonly store: MeterStore;
  /** Null when the process is gone; reads /proc when left out. */
  readonly measure?: (pid: number) => Promise<ProcessUse | null>;
}

/** Measures what each version of a plugin uses, from outside of its hosts. Disposing takes a last look and keeps it. */
export interface Meter extends AsyncDisposable {
  /** An audit that counts what it passes on. */
  audit(audit: Audit): Audit;
  addBlobBytes(plugin: PluginId, bytes: number): void;
}

/** How long figures stay in memory, and how often a host is looked at. */
const PERIOD_MS = 1000;
const DAY_LENGTH = 10;

export const createMeter = (ports: MeterPorts): Meter => new BusMeter(ports);

interface Counter {
  readonly reading: { -readonly [K in keyof MeterReading]: MeterReading[K] };
  changed: boolean;
}

interface MeteredHost {
  readonly plugin: PluginId;
  readonly version: string;
  use: ProcessUse | null;
}

interface NodeTypeCounter {
  readonly nodeType: string;
  readonly counter: Counter | null;
}

const NONE: NodeTypeCounter = { nodeType: '', counter: null };

class BusMeter implements Meter {
  readonly #ports: MeterPorts;
  readonly #listening: Disposable;
  /** By plugin, version and day; of today alone. */
  readonly #counters = new Map<string, Counter>();
  /** Found once and then reused: steps come by the hundred thousand, many of one type in a row. */
  readonly #ofPlugin = new Map<string, Counter | null>();
  #latest: NodeTypeCounter = NONE;
  readonly #hosts = new Map<number, MeteredHost>();
  #timer: Disposable | null = null;
  #closed = false;

  constructor(ports: MeterPorts) {
    this.#ports = ports;
    this.#listening = ports.bus.on((event) => this.#hear(event));
  }

  audit(audit: Audit): Audit {
    return {
      append: (record) => {
        audit.append(record);
        this.#count(record);
      },
    };
  }

  addBlobBytes(plugin: PluginId, bytes: number): void {
    const counter = this.#of(plugin);
    if (counter !== null) this.#change(counter).blobBytes += bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#listening[Symbol.dispose]();
    this.#timer?.[Symbol.dispose]();
    await this.#look();
  }

  #hear(event: HubEvent): void {
    switch (event.type) {
      case 'step.finished':
      case 'step.failed': {
        if (event.nodeType !== this.#latest.nodeType) this.#latest = this.#ofType(event.nodeType);
        const { counter } = this.#latest;
        if (counter !== null) this.#change(counter).steps += 1;
        return;
      }
      case 'plugin.log': {
        const counter = this.#of(event.plugin);
        if (counter !== null) this.#change(counter).logBytes += Buffer.byteLength(event.text);
        return;
      }
      case 'host.started':
        return this.#begin(event.plugin, event.pid);
      case 'host.ended':
        return this.#end(event.plugin, event.pid, event.code);
      case 'plugin.installed':
      case 'plugin.removed':
        return this.#forget();
      default:
    }
  }

  #count({ plugin, decision }: AuditRecord): void {
    const what = COUNTED[decision];
    const counter = what === undefined ? null : this.#of(plugin);
    if (what !== undefined && counter !== null) this.#change(counter)[what] += 1;
  }

  #begin(plugin: PluginId, pid: number): void {
    const version = this.#ports.plugins.get(plugin)?.manifest.version;
    if (version === undefined) return;
    this.#hosts.set(pid, { plugin, version, use: null });
    this.#wake();
  }

  #end(plugin: PluginId, pid: number, code: string): void {
    const version = this.#hosts.get(pid)?.version;
    this.#hosts.delete(pid);
    if (code === 'STEP_CANCELLED') return;
    const counter = version === undefined ? this.#of(plugin) : this.#counter(plugin, version);
    if (counter !== null) this.#change(counter).crashes += 1;
  }

  #change(counter: Counter): Counter['reading'] {
    counter.changed = true;
    if (this.#timer === null) this.#wake();
    return counter.reading;
  }

  #wake(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = this.#ports.clock.after(PERIOD_MS, () => {
      void this.#look().finally(() => {
        this.#timer = null;
        if (this.#hosts.size > 0) this.#wake();
      });
    });
  }

  /** Measures every host, keeps what changed and tells it. */
  async #look(): Promise<void> {
    const { measure = measureProcess } = this.#ports;
    const seen = [...this.#hosts].map(async ([pid, host]) => this.#add(host, await measure(pid)));
    await Promise.all(seen);
    this.#keep();
  }

  #add(host: MeteredHost, use: ProcessUse | null): void {
    const before = host.use;
    if (use === null || (before !== null && before.startedAt !== use.startedAt)) return;
    host.use = use;
    const isSame = before?.cpuMs === use.cpuMs && before.peakRssBytes === use.peakRssBytes;
    if (isSame) return;
    const reading = this.#change(this.#counter(host.plugin, host.version));
    reading.cpuMs += use.cpuMs - (before?.cpuMs ?? 0);
    reading.peakRssBytes = Math.max(reading.peakRssBytes, use.peakRssBytes);
  }

  #keep(): void {
    const { bus, clock, store } = this.#ports;
    const at = clock.now();
    for (const counter of this.#counters.values()) {
      if (!counter.changed) continue;
      counter.changed = false;
      store.put({ ...counter.reading });
      bus.emit({ type: 'plugin.metered', at, ...counter.reading });
    }
    const today = dayOf(at);
    for (const [key, { reading }] of this.#counters) {
      if (reading.day === today) continue;
      this.#counters.delete(key);
      this.#forget();
    }
  }

  #forget(): void {
    this.#ofPlugin.clear();
    this.#latest = NONE;
  }

  #ofType(nodeType: string): NodeTypeCounter {
    // SAFETY: the driver names node types of the plan.
    return { nodeType, counter: this.#of(splitNodeType(nodeType as NodeTypeId).plugin) };
  }

  #of(plugin: PluginId): Counter | null {
    const known = this.#ofPlugin.get(plugin);
    if (known !== undefined) return known;
    const version = this.#ports.plugins.get(plugin)?.manifest.version;
    const counter = version === undefined ? null : this.#counter(plugin, version);
    this.#ofPlugin.set(plugin, counter);
    return counter;
  }

  #counter(plugin: PluginId, version: string): Counter {
    const day = dayOf(this.#ports.clock.now());
    const key = `${plugin} ${version} ${day}`;
    const known = this.#counters.get(key);
    if (known !== undefined) return known;
    const kept = this.#ports.store.get(plugin, version, day);
    const counter = { reading: { ...EMPTY, plugin, version, day, ...kept }, changed: false };
    this.#counters.set(key, counter);
    return counter;
  }
}

const COUNTED: Readonly<
  Partial<Record<AuditRecord['decision'], 'calls' | 'denied' | 'rateExceeded'>>
> = { allowed: 'calls', denied: 'denied', 'rate-exceeded': 'rateExceeded' };

const EMPTY = {
  steps: 0,
  calls: 0,
  denied: 0,
  rateExceeded: 0,
  crashes: 0,
  cpuMs: 0,
  peakRssBytes: 0,
  logBytes: 0,
  blobBytes: 0,
};

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, DAY_LENGTH);

/** Linux counts processor time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

/** What /proc tells (proc(5)): the fields of `stat` behind the name, and the highest resident size. */
async function measureProcess(pid: number): Promise<ProcessUse | null> {
  try {
    const [stat, status] = await Promise.all(
      ['stat', 'status'].map(async (it) => await readFile(`/proc/${String(pid)}/${it}`, 'utf8')),
    );
    const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
    const [user, system, startedAt] = [fields[11], fields[12], fields[19]].map(Number);
    const peakKb = /^VmHWM:\s+(\d+) kB$/mu.exec(status ?? '')?.[1];
    if (user === undefined || system === undefined || startedAt === undefined) return null;
    return {
      startedAt,
      cpuMs: (user + system) * TICK_MS,
      peakRssBytes: Number(peakKb ?? 0) * 1024,
    };
  } catch {
    return null;
  }
}
