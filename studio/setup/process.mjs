import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The clone's folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const QUIET_MS = 1000;

/** Runs one preparing step. Says what it is doing only when it takes over a second; shows its output only when it fails. */
export async function runStep(what, [program, ...args], { env }) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const inPlace = process.stderr.isTTY === true;
  let said = false;
  const timer = setInterval(() => {
    if (inPlace) process.stderr.write(`\rsetup: ${what} … ${seconds()} s`);
    else if (!said) process.stderr.write(`setup: ${what} …\n`);
    said = true;
  }, QUIET_MS);
  const { code, output } = await collected(program, args, env);
  clearInterval(timer);
  if (said) process.stderr.write(`${inPlace ? '\r' : ''}setup: ${what} – ${seconds()} s\n`);
  if (code === 0) return true;
  process.stderr.write(
    `${output}\nsetup: ${what} failed (exit code ${code}): ${[program, ...args].join(' ')}\n`,
  );
  return false;
}

function collected(program, args, env) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) =>
      resolve({ code: code ?? 1, output: String(Buffer.concat(chunks)) }),
    );
  });
}

/** Runs the command's steps with this terminal, stops at the first that fails, and returns its exit code. Signals are passed on. */
export async function runToEnd(steps, { env }) {
  for (const { title, argv } of steps) {
    const started = Date.now();
    if (title !== undefined) console.log(`\n== ${title}`);
    const code = await handedOver(argv, env);
    if (title !== undefined) {
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      console.log(`== ${title}: ${code === 0 ? 'ok' : `failed (exit code ${code})`}, ${seconds} s`);
    }
    if (code !== 0) return code;
  }
  return 0;
}

function handedOver([program, ...args], env) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, env, stdio: 'inherit' });
    const pass = (signal) => child.kill(signal);
    // The terminal itself sends Ctrl+C to the child too; here it must only not end this process first.
    const stay = () => undefined;
    process.on('SIGINT', process.stdin.isTTY ? stay : pass);
    process.on('SIGTERM', pass);
    process.on('SIGHUP', pass);
    child.on('error', (error) => {
      console.error(`setup: ${program}: ${error.message}`);
      resolve(127);
    });
    child.on('close', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}
