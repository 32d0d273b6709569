import { writeSync } from 'node:fs';
import ivm from 'isolated-vm';
import bootstrapSource from 'bootstrap:source';
import { alarms } from './alarms.ts';

const ENTRY_BATCH = 64;
const SILENCE_MS = 1000;
const LOOK_MS = 20;
/** How many times its CPU time an entry may take by the clock. */
const PATIENCE = 10;
/** Out of reach for plugin code in both contexts: shared memory, clocks made of it, finalizers, machine code. */
const CLOSE_OFF = `
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'console'])
    delete globalThis[name];`;
/** No way from the hub's functions to a compiler in their context, and no shared prototypes to patch. */
const HARDEN = `
  for (const fn of [function () {}, async function () {}, function* () {}, async function* () {}])
    Object.defineProperty(Object.getPrototypeOf(fn), 'constructor', { value: undefined });
  for (const type of [Object, Array, Promise, Map, Set, String, Number, RegExp, Function])
    Object.freeze(type.prototype);`;
const CONSOLE = `
  globalThis.console = Object.freeze({ log() {}, info() {}, warn() {}, error() {}, debug() {} });`;

/** V8 alone has no TextEncoder; schema libraries bundled into plugins make one when they load. */
const ENCODER = `
  globalThis.TextEncoder = class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') {
      const binary = unescape(encodeURIComponent(String(text).toWellFormed()));
      return Uint8Array.from(binary, (character) => character.charCodeAt(0));
    }
  };`;

export interface IsolateLimits {
  readonly memoryMb: number;
  readonly entryMs: number;
}

/** How an isolate ended. */
export type IsolateDeath = 'timeout' | 'memory' | 'stuck';

export interface IsolatePorts {
  /** A text that plugin code, or who pretends to be it, sent. */
  onText(text: string): void;
  /** The isolate is of no more use. */
  onDeath(death: IsolateDeath): void;
}

/**
 * One plugin in one isolate. Only strings pass: in by `enter`, each entry with a time limit, out by one callback.
 * Nothing ever waits for plugin code in this thread.
 */
export class Isolate {
  readonly #isolate: ivm.Isolate;
  readonly #receive: ivm.Reference<(text: string) => void>;
  readonly #limits: IsolateLimits;
  readonly #ports: IsolatePorts;
  #waiting: string[] = [];
  #busy = false;
  #late = false;

  private constructor(
    isolate: ivm.Isolate,
    receive: ivm.Reference<(text: string) => void>,
    limits: IsolateLimits,
    ports: IsolatePorts,
  ) {
    this.#isolate = isolate;
    this.#receive = receive;
    this.#limits = limits;
    this.#ports = ports;
  }

  /** Compiles and evaluates plugin.js. Rejects when it imports anything, throws or takes too long. */
  static async open(source: string, limits: IsolateLimits, ports: IsolatePorts): Promise<Isolate> {
    const isolate = new ivm.Isolate({
      memoryLimit: limits.memoryMb,
      // Heap limits that V8 can't recover from come here; the thread is lost, so is the process.
      onCatastrophicError: endOutOfMemory,
    });
    const timeout = { timeout: Math.max(limits.entryMs, SILENCE_MS) };
    const stuck = setTimeout(() => {
      ports.onDeath('stuck');
    }, timeout.timeout + SILENCE_MS);
    try {
      const own = await isolate.createContext();
      const plugins = await isolate.createContext();
      await plugins.eval(CLOSE_OFF + CONSOLE + ENCODER, timeout);
      await own.eval(CLOSE_OFF, timeout);
      const module = await isolate.compileModule(source, { filename: 'plugin.js' });
      if (module.dependencySpecifiers.length > 0)
        throw new Error(
          `plugin.js imports ${module.dependencySpecifiers.join(', ').slice(0, 200)}`,
        );
      await module.instantiate(plugins, refuseImport);
      await module.evaluate(timeout);
      const send = new ivm.Callback(
        (text: unknown) => {
          if (typeof text === 'string') ports.onText(text);
        },
        { ignored: true },
      );
      const receive = await own.evalClosure(
        `'use strict';${bootstrapSource}\n${HARDEN}\nreturn hub.bootstrap($0, $1);`,
        [send, module.namespace.derefInto()],
        { ...timeout, result: { reference: true } },
      );
      // SAFETY: bootstrap returns a function, whatever the plugin is.
      const entry = receive as ivm.Reference<(text: string) => void>;
      return new Isolate(isolate, entry, limits, ports);
    } finally {
      clearTimeout(stuck);
    }
  }

  /** Hands one frame in; frames that wait together enter together. */
  enter(text: string): void {
    this.#waiting.push(text);
    if (!this.#busy) {
      this.#busy = true;
      queueMicrotask(() => void this.#pump());
    }
  }

  close(): void {
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }

  async #pump(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const texts = this.#waiting.splice(0, ENTRY_BATCH);
        using _watch = this.#watchEntry();
        const entry = [`[${texts.join(',')}]`] as const;
        const timeout = this.#limits.entryMs * PATIENCE;
        await this.#receive.apply(undefined, [...entry], { timeout });
      }
      this.#busy = false;
    } catch (error) {
      this.#ports.onDeath(this.#late ? 'timeout' : deathOf(error, this.#isolate));
    }
  }

  /** Ends an entry that has used its CPU time; on a busy machine that is longer than the clock says. */
  #watchEntry(): Disposable {
    const { entryMs } = this.#limits;
    const [began, beganCpu] = [performance.now(), cpuMs()];
    const look = (): void => {
      if (performance.now() - began >= entryMs * PATIENCE + SILENCE_MS) {
        this.#ports.onDeath('stuck');
        return;
      }
      if (!this.#late && cpuMs() - beganCpu >= entryMs) {
        this.#late = true;
        this.close();
      }
      alarm = alarms.set(LOOK_MS, look);
    };
    let alarm = alarms.set(entryMs, look);
    return { [Symbol.dispose]: () => alarms.clear(alarm) };
  }
}

/** CPU time of this process: while an entry runs, that of the isolate and little else. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Says why, since the hub reads it, and ends the process in a way no thread can hold up. */
function endOutOfMemory(message: string): void {
  writeSync(2, `the isolate is out of memory: ${message.slice(0, 200)}\n`);
  process.kill(process.pid, 'SIGKILL');
}

function refuseImport(specifier: string): never {
  throw new Error(`plugin.js imports ${specifier.slice(0, 200)}`);
}

function deathOf(error: unknown, isolate: ivm.Isolate): IsolateDeath {
  const message = error instanceof Error ? error.message : '';
  if (message.includes('timed out')) return 'timeout';
  return isolate.isDisposed || message.includes('memory') ? 'memory' : 'stuck';
}
