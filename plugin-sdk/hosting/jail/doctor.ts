import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { HubError } from '../../contract/index.ts';
import type { HostProcess, Launcher, LaunchSpec } from '../ports.ts';
import { createLauncher } from './launcher.ts';
import { residentBytes } from '../watchdog.ts';

/** One thing tried on this machine. `optional` ones say what is missing for some plugins only. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly optional: boolean;
  readonly detail: string;
  readonly cure: string;
}

export interface Examination {
  /** The launcher the hub uses; its isolate host must start. */
  readonly launcher: Launcher;
  /** X display to look for; this process's own when left out. */
  readonly display?: string;
}

const LEAST_NODE = 24;
const PROBE_MS = 10_000;

const SPEC: LaunchSpec = {
  host: 'doctor',
  runtime: 'isolate',
  plugin: null,
  blobs: null,
  limits: { memoryMb: 64, entryMs: 200, openFiles: 128, processes: 1 },
};

/** Prints what came of three sockets and of starting a process, then stays. */
const SEAL_PROBE = `
const fs = require('node:fs'), net = require('node:net'), child = require('node:child_process');
const tries = [];
const one = (name, start) => tries.push(new Promise((done) => {
  try { start((error) => done(name + '=' + (error?.code ?? 'ALLOWED'))); } catch (error) { done(name + '=' + error.code); }
}));
one('inet', (done) => net.connect(9, '127.0.0.1').on('connect', () => done()).on('error', done));
one('unix', (done) => net.connect('/tmp/none').on('connect', () => done()).on('error', done));
one('process', (done) => child.spawn('/rt/node', ['-v']).on('spawn', () => done()).on('error', done));
Promise.all(tries).then((all) => fs.writeSync(3, all.join(' ') + '\\n'));
setInterval(() => {}, 1000);`;

/** Says hello, then takes memory until it is stopped. */
const MEMORY_PROBE = `
require('node:fs').writeSync(3, 'ready\\n');
const kept = [];
setInterval(() => { for (let i = 0; i < 8; i++) kept.push(Buffer.alloc(4 << 20, 1)); if (kept.length > 256) process.exit(42); }, 1);`;

/** Starts a child that would outlive it, and tells the child's pid. */
const CHILD_PROBE = `
const child = require('node:child_process').spawn('/rt/node', ['--jitless', '-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
child.on('spawn', () => require('node:fs').writeSync(3, 'child\\n')).on('error', (error) => require('node:fs').writeSync(3, error.code + '\\n'));
setInterval(() => {}, 1000);`;

/** Proves by trying that this machine can jail plugins; never throws. */
export async function examineMachine(examination: Examination): Promise<readonly Finding[]> {
  return [
    examineNode(),
    await examineHost(examination.launcher),
    await examineSeal(),
    await examineDescendants(),
    await examineMemory(),
    await examinePython(examination.launcher),
    await examineDisplay(examination.display ?? process.env['DISPLAY'] ?? ''),
  ];
}

function examineNode(): Finding {
  const ok = Number(process.versions.node.split('.')[0]) >= LEAST_NODE;
  const cure = `Run the hub with Node ${String(LEAST_NODE)} or newer; npm start does.`;
  return { check: 'node', ok, optional: false, detail: process.version, cure };
}

async function examineHost(launcher: Launcher): Promise<Finding> {
  const cure =
    'Install bubblewrap (Debian: apt-get install bubblewrap) and allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, on Ubuntu an AppArmor profile for bwrap.';
  return await attempt('jail', cure, async () => {
    await tryStart(launcher, SPEC);
    return 'a jailed isolate host starts and loads isolated-vm';
  });
}

async function examineSeal(): Promise<Finding> {
  const cure = 'The kernel must support seccomp filters (CONFIG_SECCOMP_FILTER).';
  return await attempt('seal', cure, async () => {
    await using probe = await startProbe(SEAL_PROBE, 1);
    const said = await probe.line();
    if (!/^inet=EPERM unix=EPERM process=EPERM$/u.test(said)) throw new Error(said);
    return 'no socket opens and no process starts inside';
  });
}

async function examineDescendants(): Promise<Finding> {
  const cure = 'The kernel must support pid namespaces; do not run the hub under a tracer.';
  return await attempt('descendants', cure, async () => {
    await using probe = await startProbe(CHILD_PROBE, 8);
    const said = await probe.line();
    if (said !== 'child') throw new Error(`a child could not be tried: ${said}`);
    const session = await processesOf(probe.host.pid);
    probe.host.kill();
    await probe.host.ended;
    const left = await Promise.all(session.map(residentBytes));
    if (left.some((bytes) => bytes > 0)) throw new Error('a process outlived its jail');
    return 'everything in a jail dies with it';
  });
}

/** A process and its children, by their pids here. */
async function processesOf(pid: number): Promise<readonly number[]> {
  const file = `/proc/${String(pid)}/task/${String(pid)}/children`;
  const text = await readFile(file, 'utf8').catch(() => '');
  return [pid, ...text.trim().split(' ').filter(Boolean).map(Number)];
}

async function examineMemory(): Promise<Finding> {
  const cure = 'util-linux must be installed (prlimit).';
  return await attempt('memory', cure, async () => {
    await using probe = await startProbe(MEMORY_PROBE, 1);
    const { code } = await probe.host.ended;
    if (code === 42) throw new Error('1 GB could be taken');
    return 'a plugin that takes 1 GB is ended';
  });
}

async function examinePython(launcher: Launcher): Promise<Finding> {
  const cure = 'Debian: apt-get install python3';
  const finding = await attempt('python', cure, async () => {
    const limits = { ...SPEC.limits, memoryMb: 128 };
    const spec = { ...SPEC, runtime: 'python', limits } as const;
    // The first start also looks for the interpreter; the second is what a plugin sees.
    await tryStart(launcher, spec);
    const startedAt = performance.now();
    const bytes = await tryStart(launcher, spec);
    const took = `${String(Math.round(performance.now() - startedAt))} ms`;
    return `a jailed Python host starts in ${took} with ${String(Math.ceil(bytes / 1024 / 1024))} MB`;
  });
  return { ...finding, optional: true };
}

/** Starts a host and ends it; its resident memory at hello. */
async function tryStart(launcher: Launcher, spec: LaunchSpec): Promise<number> {
  const host = await launcher.launch(spec);
  const bytes = await residentBytes(host.pid);
  host.kill();
  await host.ended;
  return bytes;
}

async function examineDisplay(display: string): Promise<Finding> {
  const cure = 'Start the hub inside an X11 session, so that DISPLAY is set.';
  if (display === '') {
    const wayland = process.env['WAYLAND_DISPLAY'] !== undefined;
    const detail = wayland
      ? 'this is a Wayland session without X11: capturing and clicking are not possible here'
      : 'DISPLAY is not set: plugins for screen and mouse cannot work';
    return { check: 'display', ok: false, optional: true, detail, cure };
  }
  const number = /:(\d+)/u.exec(display)?.[1] ?? '0';
  const finding = await attempt('display', cure, async () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect(`/tmp/.X11-unix/X${number}`).on('connect', resolve).on('error', reject);
    await promise.finally(() => socket.destroy());
    return `the X display ${display} answers`;
  });
  return { ...finding, optional: true };
}

async function attempt(
  check: string,
  cure: string,
  prove: () => Promise<string>,
): Promise<Finding> {
  try {
    return { check, ok: true, optional: false, detail: await prove(), cure };
  } catch (error) {
    const detail = HubError.is(error, 'JAIL_UNAVAILABLE') ? error.data.detail : String(error);
    return { check, ok: false, optional: false, detail, cure };
  }
}

interface Probe extends AsyncDisposable {
  readonly host: HostProcess;
  /** The first line it says on its channel. */
  line(): Promise<string>;
}

/** Runs a script in a jail like an isolate host's; ends it after 10 s in any case. */
async function startProbe(script: string, processes: number): Promise<Probe> {
  const launcher = createLauncher({
    minIsolation: 'strong',
    hosts: { entry: () => ['-e', script], mounts: [] },
  });
  const host = await launcher.launch({ ...SPEC, limits: { ...SPEC.limits, processes } });
  const timer = setTimeout(() => host.kill(), PROBE_MS);
  return {
    host,
    async line() {
      for await (const chunk of host.output) return String(chunk).trim();
      throw new Error('the probe said nothing');
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      host.kill();
      await host.ended;
    },
  };
}
