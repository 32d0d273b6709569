import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Look } from './number.ts';

/** The part of tesseract.js-core that is used here; names are Tesseract's own (baseapi.h). */
interface TesseractApi {
  Init(dataPath: null, language: string, engineMode: number): number;
  SetPageSegMode(mode: number): void;
  SetImageFile(exif: number, angle: number): number;
  Recognize(monitor: null): number;
  GetUTF8Text(): string;
  MeanTextConf(): number;
  Clear(): void;
}
interface TesseractCore {
  readonly FS: { writeFile(path: string, bytes: Uint8Array): void };
  readonly TessBaseAPI: new () => TesseractApi;
}
type CoreFactory = (options: object) => Promise<TesseractCore>;

/** Where the engine's files are: Tesseract built with and without relaxed SIMD, and the language data. */
export interface EngineFiles {
  readonly cores: readonly { readonly script: string; readonly wasm: string }[];
  /** Traineddata files, gzipped when they end in .gz; the first that exists is used. */
  readonly data: readonly string[];
}

/** Reads one line of text from a PGM picture. */
export interface Engine {
  read(pgm: Uint8Array): Look;
}

const LSTM_ONLY = 1;
const SINGLE_LINE = 7;

/** The files that are packed beside plugin.js. */
export function packedFiles(): EngineFiles {
  const vendor = (name: string): string =>
    fileURLToPath(new URL(`./vendor/${name}`, import.meta.url));
  const core = (name: string): EngineFiles['cores'][number] => ({
    script: vendor(`tesseract-core-${name}.js`),
    wasm: vendor(`tesseract-core-${name}.wasm`),
  });
  return {
    cores: [core('relaxedsimd-lstm'), core('simd-lstm')],
    data: [vendor('eng.fast.traineddata'), vendor('eng.traineddata.gz')],
  };
}

/** Loads Tesseract and keeps it in memory; takes about 0.2 s. */
export async function openEngine(files: EngineFiles): Promise<Engine> {
  const core = await openCore(files.cores);
  core.FS.writeFile('eng.traineddata', readData(files.data));
  const api = new core.TessBaseAPI();
  if (api.Init(null, 'eng', LSTM_ONLY) !== 0)
    throw new Error('The text reader could not load its language data.');
  api.SetPageSegMode(SINGLE_LINE);
  return {
    read(pgm) {
      core.FS.writeFile('/input', pgm);
      if (api.SetImageFile(1, 0) === 1)
        throw new Error('The text reader could not read the picture.');
      api.Recognize(null);
      const look = { text: api.GetUTF8Text().trim(), confidence: api.MeanTextConf() };
      api.Clear();
      return look;
    },
  };
}

/** The first core this processor can run. */
async function openCore(cores: EngineFiles['cores']): Promise<TesseractCore> {
  const require = createRequire(import.meta.url);
  const quiet = (): void => undefined;
  let cause: unknown = null;
  for (const { script, wasm } of cores) {
    try {
      // SAFETY: the script is Emscripten's factory function, packed and signed with this plugin.
      const create = require(script) as CoreFactory;
      return await create({ wasmBinary: readFileSync(wasm), print: quiet, printErr: quiet });
    } catch (error) {
      cause = error;
    }
  }
  throw new Error('The text reader cannot run on this processor.', { cause });
}

function readData(files: readonly string[]): Uint8Array {
  const file = files.find((it) => existsSync(it));
  if (file === undefined) throw new Error('The text reader’s language data is missing.');
  const bytes = readFileSync(file);
  return file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}
