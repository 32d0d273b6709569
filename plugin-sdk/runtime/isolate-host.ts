import type { HubFrame, Manifest } from '../contract/index.ts';
import { HubError, parseFrameText, reportOf } from '../contract/index.ts';
import { FrameStream } from './frames.ts';
import type { IsolateDeath } from './isolate.ts';
import { Isolate } from './isolate.ts';
import { isObject } from './reports.ts';
import { Requests } from './requests.ts';

type Load = Extract<HubFrame, { t: 'load' }>;

/** The isolate host's whole life: hello, load, work, end. */
class IsolateHost {
  readonly #stream = new FrameStream();
  readonly #requests: Requests;
  #isolate: Isolate | null = null;
  #source: string[] = [];
  #load: Load | null = null;
  #held: string[] = [];
  #ended = false;

  constructor() {
    this.#requests = new Requests({
      send: (text) => {
        this.#stream.send(text);
      },
      deliver: (text) => {
        this.#isolate?.enter(text);
      },
      end: (why) => {
        this.#end(why);
      },
    });
  }

  start(): void {
    this.#stream.open((text) => this.#fromHub(text));
  }

  #fromHub(text: string): void {
    // SAFETY: the hub's side of the channel is trusted; it checks its own frames.
    const frame = JSON.parse(text) as HubFrame;
    if (frame.t === 'load') this.#take(frame);
    else this.#requests.fromHub(frame, text);
  }

  #take(load: Load): void {
    this.#source.push(load.source);
    if (!load.last) return;
    this.#load = load;
    const source = this.#source.join('');
    this.#source = [];
    void this.#open(source, load);
  }

  async #open(source: string, load: Load): Promise<void> {
    try {
      this.#isolate = await Isolate.open(source, load, {
        onText: (text) => {
          this.#fromCode(text);
        },
        onDeath: (death) => {
          this.#die(death);
        },
      });
      for (const text of this.#held.splice(0)) this.#fromCode(text);
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : 'unreadable error');
    }
  }

  #fromCode(text: string): void {
    if (this.#ended) return;
    if (this.#isolate === null) this.#held.push(text);
    else if (this.#load === null) this.#requests.fromCode(text);
    else this.#loaded(text, this.#load);
  }

  /** The first text an isolate sends tells how loading went. */
  #loaded(text: string, load: Load): void {
    this.#load = null;
    const first = parseFrameText(text);
    if (!isObject(first) || first['t'] !== 'loaded' || !isObject(first['manifest'])) {
      const message = isObject(first) ? first['message'] : null;
      this.#load = load;
      this.#refuse(typeof message === 'string' ? message : 'it gave no manifest');
      return;
    }
    try {
      // SAFETY: the hub compares it with the signed manifest; here only its nodes' schemas are used.
      this.#requests.loaded(load.plugin, first['manifest'] as unknown as Manifest);
    } catch {
      this.#load = load;
      this.#refuse('its manifest is malformed');
      return;
    }
    this.#plugin = load;
    const value = { manifest: first['manifest'] };
    this.#stream.send(JSON.stringify({ t: 'reply', id: load.id, ok: true, value }));
  }

  #plugin: Load | null = null;

  #refuse(message: string): void {
    if (this.#load === null || this.#ended) return;
    const { id, plugin } = this.#load;
    const text = message.slice(0, 1000);
    const error = reportOf(new HubError('HOST_LOAD_FAILED', { plugin, message: text }));
    this.#stream.send(JSON.stringify({ t: 'reply', id, ok: false, error }));
    this.#end('the plugin could not be loaded');
  }

  #die(death: IsolateDeath): void {
    if (this.#ended) return;
    if (this.#plugin === null) {
      this.#refuse(death === 'memory' ? 'it ran out of memory' : 'it took too long to start');
      return;
    }
    const { plugin, memoryMb, entryMs } = this.#plugin;
    this.#requests.fail(
      death === 'memory'
        ? new HubError('HOST_OUT_OF_MEMORY', { plugin, limitMb: memoryMb })
        : new HubError('STEP_TIMED_OUT', { timeoutMs: entryMs }),
    );
    this.#end(`the isolate ended: ${death}`);
  }

  /** Lets what was sent leave, then ends the process in a way no thread can hold up. */
  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    process.stderr.write(`${why}\n`);
    this.#stream.finish(() => {
      process.kill(process.pid, 'SIGKILL');
    });
  }
}

new IsolateHost().start();
