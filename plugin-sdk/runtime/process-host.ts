import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PluginDefinition } from '../author/define.ts';
import { manifestOf } from '../author/manifest-of.ts';
import type { HubFrame } from '../contract/index.ts';
import { HubError, parseFrameText, reportOf } from '../contract/index.ts';
import { blobFiles } from './blob-files.ts';
import { FrameStream } from './frames.ts';
import { PluginCode } from './plugin-code.ts';
import { Requests } from './requests.ts';

type Load = Extract<HubFrame, { t: 'load' }>;

/** The life of a host of a process or driver plugin: hello, load, work, end. */
class ProcessHost {
  readonly #stream = new FrameStream();
  readonly #requests: Requests;
  readonly #folder: string;
  #code: PluginCode | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#requests = new Requests({
      send: (text) => {
        this.#stream.send(text);
      },
      deliver: (text) => {
        // SAFETY: texts delivered are frames that Requests has parsed or made.
        this.#code?.receive(JSON.parse(text) as HubFrame);
      },
      end: (why) => {
        this.#end(why);
      },
    });
  }

  start(): void {
    process.on('uncaughtException', (error) => {
      this.#crash(error);
    });
    process.on('unhandledRejection', (reason) => {
      this.#crash(reason);
    });
    this.#stream.open((text) => this.#fromHub(text));
  }

  #fromHub(text: string): void {
    // SAFETY: the hub's side of the channel is trusted; it checks its own frames.
    const frame = parseFrameText(text) as HubFrame;
    if (frame.t !== 'load') this.#requests.fromHub(frame, text);
    else if (frame.last) void this.#load(frame);
  }

  async #load({ id, plugin }: Load): Promise<void> {
    try {
      const url = pathToFileURL(join(this.#folder, 'plugin.js')).href;
      // SAFETY: what is not a definition throws below, inside this try.
      const module = (await import(url)) as { readonly default: PluginDefinition };
      const manifest = manifestOf(module.default);
      this.#code = new PluginCode(module.default, {
        send: (text) => {
          this.#requests.fromCode(text);
        },
        after: (ms, fn) => void setTimeout(fn, ms).unref(),
        abortController: () => new AbortController(),
        blobs: (call) => blobFiles(call, process.env),
      });
      this.#requests.loaded(plugin, manifest);
      this.#stream.send(JSON.stringify({ t: 'reply', id, ok: true, value: { manifest } }));
    } catch (error) {
      const message = reportOf(error).message.slice(0, 1000);
      const report = reportOf(new HubError('HOST_LOAD_FAILED', { plugin, message }));
      this.#stream.send(JSON.stringify({ t: 'reply', id, ok: false, error: report }));
      this.#end(`the plugin could not be loaded: ${message}`);
    }
  }

  #crash(error: unknown): void {
    const how = `uncaught: ${reportOf(error).message.slice(0, 1000)}`;
    this.#requests.fail(new HubError('STEP_FAILED', { message: how }));
    this.#end(how);
  }

  /** Lets what was sent leave, then ends the process. */
  #end(why: string): void {
    process.stderr.write(`${why}\n`);
    this.#stream.finish(() => process.exit(1));
  }
}

new ProcessHost(process.argv[2] ?? '/plugin').start();
