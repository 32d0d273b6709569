import { mkdir, rename, writeFile } from 'node:fs/promises';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HubError, reportOf } from '../../contract/index.ts';
import { hubFolder, loadIntoHub } from '../hub-api.ts';
import { COMMON_OPTIONS, findingCounts, plain, print, type Command } from '../output.ts';
import { check, packFolder, pluginFolder, type Packed } from '../project.ts';

const HELP = `hub-plugin dev [folder] [--data <hub's data folder>] [--once]

Packs the plugin and loads it, unsigned, into your running hub, and again whenever a file changes. The hub must have been
started with: hub start --dev. It takes unsigned plugins only from its owner on this machine, and marks them “unsigned”
everywhere. Errors are shown with file and line; the last version that built keeps running. Ctrl+C stops.
--once   once, without watching`;

/** Editors write a file in several steps. */
const QUIET_MS = 60;
const IGNORED = /(?:^|[/\\])(?:node_modules|dist|__pycache__|\.[^/\\]+)(?:[/\\]|$)|~$|\.sw[a-z]$/u;

export const devCommand: Command = {
  name: 'dev',
  summary: 'load it into a running hub, again at each change',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        data: { type: 'string' },
        once: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const folder = pluginFolder(positionals[0]);
    const hub = hubFolder(values.data);
    const load = async (): Promise<boolean> => await loadOnce(folder, hub, values.json);
    if (values.once) return (await load()) ? 0 : 1;
    await watched(folder, load);
    return 0;
  },
};

/** True when the hub runs the new version. What went wrong is told, never thrown: the next change may mend it. */
async function loadOnce(folder: string, hub: string, asJson: boolean): Promise<boolean> {
  const started = performance.now();
  try {
    const packed = await packFolder(folder);
    await loadIntoHub(hub, await writeDev(folder, packed));
    tellLoaded(packed, Math.round(performance.now() - started), asJson);
    return true;
  } catch (error) {
    tellTrouble(error, asJson);
    return false;
  }
}

/** One file in the author's own folder, replaced as a whole. */
async function writeDev(folder: string, { bytes }: Packed): Promise<string> {
  const file = join(folder, 'dist', 'dev.tgz');
  await mkdir(join(folder, 'dist'), { recursive: true });
  await writeFile(`${file}.new`, bytes);
  await rename(`${file}.new`, file);
  return file;
}

function tellLoaded(packed: Packed, ms: number, asJson: boolean): void {
  const { id, version } = packed.manifest;
  const findings = check(packed);
  print(
    { event: 'loaded', id, version, publisher: 'unsigned', ms, findings },
    asJson,
    () =>
      `[unsigned] ${id} ${version} is loaded (${String(ms)} ms). Rules: ${findingCounts(findings)}.`,
  );
}

function tellTrouble(error: unknown, asJson: boolean): void {
  const { code, message } = reportOf(error);
  if (asJson) {
    console.log(JSON.stringify({ event: 'failed', code, message }));
    return;
  }
  if (!HubError.is(error, 'ARTIFACT_BUILD_FAILED') && !HubError.is(error, 'MANIFEST_INVALID')) {
    const cure = error instanceof HubError ? `\n  → ${plain(error.cure)}` : '';
    console.log(`${code}\n  ${plain(message)}${cure}`);
    return;
  }
  const lines = error.data.problems.map((it) => `  ${it.at}  ${it.message}\n      ${it.cure}`);
  console.log(plain([`${code}: the version before goes on.`, ...lines].join('\n')));
}

/** Calls `load` now and after each change, one at a time, until Ctrl+C. */
async function watched(folder: string, load: () => Promise<boolean>): Promise<void> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());
  let running: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let isDue = false;
  const next = (): void => {
    running = running.then(async () => {
      if (!isDue) return;
      isDue = false;
      await load();
    });
  };
  const soon = (): void => {
    isDue = true;
    clearTimeout(timer);
    timer = setTimeout(next, QUIET_MS);
  };
  const watcher = watch(folder, { recursive: true }, (_kind, name) => {
    if (name === null || !IGNORED.test(name)) soon();
  });
  isDue = true;
  next();
  await stopped;
  clearTimeout(timer);
  watcher.close();
  await running;
}
