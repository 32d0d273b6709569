import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { HubError, type Json } from '../contract/index.ts';

const EVALUATOR = fileURLToPath(new URL('./evaluate-manifest.mjs', import.meta.url));
const MANIFEST_OF = fileURLToPath(new URL('../author/manifest-of.ts', import.meta.url));
const PATIENCE_MS = 15_000;

let helper: Promise<string> | null = null;

/**
 * The manifest that a bundled plugin declares, found by evaluating it in an isolate of a child process, where Node's
 * modules are only names. What comes back is unchecked JSON. Throws HOST_LOAD_FAILED.
 */
export async function deriveManifest(code: string): Promise<Json> {
  helper ??= bundleHelper();
  const child = spawn(process.execPath, ['--no-node-snapshot', '--jitless', EVALUATOR], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {},
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin.end(JSON.stringify({ code, helper: await helper }));
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    // SAFETY: JSON.parse gives JSON.
    return JSON.parse(answer) as Json;
  } catch (error) {
    const message = complaint.trim().slice(0, 500) || 'its code did not end in time';
    throw new HubError('HOST_LOAD_FAILED', { plugin: 'the plugin', message }, { cause: error });
  }
}

async function bundleHelper(): Promise<string> {
  const result = await build({
    entryPoints: [MANIFEST_OF],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'es2024',
    logLevel: 'silent',
  });
  return result.outputFiles[0]?.text ?? '';
}
