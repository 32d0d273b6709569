import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import { gunzipSync } from 'node:zlib';

/** One line of text as Tesseract reads it. */
export interface Line {
  readonly text: string;
  /** 0 to 100. */
  readonly confidence: number;
}

/** Reads pictures of a single line of text. */
export interface Engine {
  /** `pgm`: a grey picture, PGM P5, dark text on light. */
  read(pgm: Uint8Array): Line;
}

/** Where the engine's files are. */
export interface EngineFiles {
  /** Folder of the tesseract-core-*.js and .wasm files. */
  readonly core: URL;
  /** Language data, tried in this order; gunzipped when the name ends in .gz. */
  readonly data: readonly URL[];
}

/** What is used of the Emscripten module. */
interface TessModule {
  readonly FS: { writeFile(path: string, bytes: Uint8Array): void };
  readonly TessBaseAPI: new () => TessApi;
}
interface TessApi {
  Init(path: string | null, language: string, mode: number): number;
  SetPageSegMode(mode: number): void;
  SetImageFile(exif: number, angle: number): number;
  Recognize(monitor: null): number;
  GetUTF8Text(): string;
  MeanTextConf(): number;
}
type Factory = (options: {
  readonly wasmBinary: Uint8Array;
  readonly print: () => void;
  readonly printErr: () => void;
}) => Promise<TessModule>;

const CORES = ['tesseract-core-relaxedsimd-lstm', 'tesseract-core-simd-lstm'];
const LSTM_ONLY = 1;
const SINGLE_LINE = 7;

/** The files that the packer puts beside the plugin. */
export function packedFiles(): EngineFiles {
  const core = new URL('./vendor/', import.meta.url);
  return {
    core,
    data: [new URL('eng.fast.traineddata', core), new URL('eng.traineddata.gz', core)],
  };
}

/** Loads Tesseract once; it stays in memory (about 60 MB). */
export async function createEngine(files: EngineFiles = packedFiles()): Promise<Engine> {
  const [module, data] = await Promise.all([loadCore(files.core), loadData(files.data)]);
  module.FS.writeFile('./eng.traineddata', data);
  const api = new module.TessBaseAPI();
  if (api.Init(null, 'eng', LSTM_ONLY) !== 0) throw new Error('Tesseract refused its data file.');
  api.SetPageSegMode(SINGLE_LINE);
  return {
    read(pgm) {
      module.FS.writeFile('/input', pgm);
      if (api.SetImageFile(1, 0) !== 0) throw new Error('Tesseract refused the picture.');
      api.Recognize(null);
      return { text: api.GetUTF8Text().trim(), confidence: api.MeanTextConf() };
    },
  };
}

async function loadCore(folder: URL): Promise<TessModule> {
  let last: unknown = null;
  for (const name of CORES) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      return await startCore(folder, name);
    } catch (error) {
      last = error;
    }
  }
  throw new Error('Tesseract could not be started.', { cause: last });
}

async function startCore(folder: URL, name: string): Promise<TessModule> {
  const script = new URL(`${name}.js`, folder);
  const [source, wasmBinary] = await Promise.all([
    readFile(script, 'utf8'),
    readFile(new URL(`${name}.wasm`, folder)),
  ]);
  // CommonJS beside an ES module package: run as a function, so that no package.json decides what it is.
  const filename = fileURLToPath(script);
  const module: { exports: unknown } = { exports: {} };
  const parameters = ['module', 'exports', 'require', '__dirname', '__filename'];
  const run = compileFunction(source, parameters, { filename });
  run(module, module.exports, createRequire(script), fileURLToPath(folder), filename);
  // SAFETY: tesseract.js-core 7 exports this factory.
  const factory = module.exports as Factory;
  const silent = (): void => undefined;
  return await factory({ wasmBinary, print: silent, printErr: silent });
}

async function loadData(candidates: readonly URL[]): Promise<Uint8Array> {
  let last: unknown = null;
  for (const file of candidates) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      const bytes = await readFile(file);
      return file.pathname.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    } catch (error) {
      last = error;
    }
  }
  throw new Error('The OCR language data is missing.', { cause: last });
}
