import path from 'node:path';
import type { Runtime } from '../../contract/index.ts';
import type { LaunchSpec } from '../ports.ts';
import { pythonCommand, pythonLimits, pythonMounts, type PythonView } from './python.ts';

/** File descriptors a host starts with; 3 is its channel, the others are read and closed by bubblewrap. */
export const CHANNEL_FD = 3;
export const SECCOMP_FD = 4;
export const ARGS_FD = 5;
export const STATUS_FD = 6;

const BLOBS_IN = '/blobs/in';
const BLOBS_OUT = '/blobs/out';
const NODE = '/rt/node';
const MB = 1024 * 1024;
const TMP_BYTES = 16 * MB;
const FILE_BYTES = 256 * MB;
/** Code and shared libraries of node, or of Python and its host, that are resident but no use of the plugin's. */
const NODE_BYTES = 96 * MB;
const PYTHON_BYTES = 16 * MB;
const DEVICES = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom'];

/** The X11 display a driver host may reach: its name and the file with its key. */
export interface Display {
  readonly name: string;
  readonly authority: string | null;
}

/** What of the machine every jail shows, all read-only. */
export interface JailView {
  readonly bwrap: string;
  readonly prlimit: string;
  readonly node: string;
  /** Shared libraries the node binary needs, or the folders they lie in. */
  readonly libraries: readonly string[];
  readonly mounts: readonly string[];
  readonly display: Display | null;
  /** Looked for when the first plugin in Python starts. */
  readonly python: PythonView | null;
}

/** A command that starts a jail: `argv`, and the options bubblewrap reads NUL-separated from ARGS_FD, so that none shows in /proc inside. */
export interface JailCommand {
  readonly argv: readonly string[];
  readonly options: readonly string[];
}

/**
 * Plans the jail of one host: own user, pid, net, ipc, uts and cgroup namespaces, no capabilities, no environment, a read-only root
 * that shows node, its libraries, the runtime and the plugin; for a plugin in Python its interpreter instead of node. `entry` is what node runs.
 */
export function planJail(spec: LaunchSpec, view: JailView, entry: readonly string[]): JailCommand {
  const python = spec.runtime === 'python' ? view.python : null;
  const argv = [
    view.prlimit,
    ...resourceLimits(spec),
    '--',
    view.bwrap,
    '--args',
    String(ARGS_FD),
    '--',
    ...(python === null ? [NODE, ...nodeFlags(spec), ...entry] : pythonCommand(python)),
  ];
  const options = [
    ...ISOLATION,
    // First, so that it hides nothing of what lies below /tmp and is mounted there.
    ...['--size', String(TMP_BYTES), '--tmpfs', '/tmp'],
    ...(python === null ? nodeMounts(view) : pythonMounts(python)),
    ...DEVICES.flatMap((device) => ['--dev-bind', device, device]),
    ...['--proc', '/proc'],
    ...pluginFolders(spec),
    ...(spec.runtime === 'driver' && view.display !== null ? displayAccess(view.display) : []),
    // A hub run by root is root to the files of /proc, so none may be writable.
    ...['--remount-ro', '/proc', '--remount-ro', '/', '--chdir', '/'],
  ];
  return { argv, options };
}

const nodeMounts = ({ node, libraries, mounts }: JailView): readonly string[] =>
  readOnly([[node, NODE], ...[...libraries, ...mounts].map(atOwnPath)]);

const ISOLATION = [
  '--unshare-all',
  '--unshare-user',
  ...['--uid', '65534', '--gid', '65534', '--hostname', 'plugin'],
  ...['--die-with-parent', '--new-session', '--clearenv', '--cap-drop', 'ALL'],
  ...['--seccomp', String(SECCOMP_FD), '--json-status-fd', String(STATUS_FD)],
];

const atOwnPath = (file: string): readonly [string, string] => [file, file];

function readOnly(pairs: readonly (readonly [from: string, to: string])[]): string[] {
  return pairs.flatMap(([from, to]) => ['--ro-bind', from, to]);
}

/**
 * RLIMIT_DATA counts address space, so it only works as a memory cap without a JIT: isolate hosts. No RLIMIT_NPROC: it would
 * count all of an ordinary user's processes and keep bubblewrap itself from starting; seccomp refuses fork to hosts.
 */
function resourceLimits({ runtime, limits }: LaunchSpec): string[] {
  const common = [
    '--core=0',
    `--nofile=${String(limits.openFiles)}`,
    `--fsize=${String(FILE_BYTES)}`,
  ];
  const data = runtime === 'isolate' ? [`--data=${String(isolateBytes(limits.memoryMb))}`] : [];
  const python = runtime === 'python' ? pythonLimits(limits) : [];
  return [...common, ...data, ...python];
}

/** Address space of a jitless isolate host in bytes: its own 96 MB and one and a half times the isolate's memory. */
const isolateBytes = (memoryMb: number): number => (96 + 1.5 * memoryMb) * MB;

/** Resident memory in bytes above which a host is ended: what the plugin may use, and what its interpreter holds besides. */
export function residentLimit(runtime: Runtime, memoryMb: number): number {
  if (runtime === 'python') return memoryMb * MB + PYTHON_BYTES;
  return (runtime === 'isolate' ? isolateBytes(memoryMb) : memoryMb * MB) + NODE_BYTES;
}

function nodeFlags({ runtime, limits, blobs }: LaunchSpec): string[] {
  // A jailed process may open databases: of what it made itself, since nothing else can be opened or written.
  const noDatabase = runtime === 'process' ? [] : ['--no-experimental-sqlite'];
  const always = ['--disable-sigusr1', ...noDatabase];
  if (runtime === 'isolate') return [...always, '--no-node-snapshot', '--jitless'];
  const out = blobs === null ? [] : [`--allow-fs-write=${BLOBS_OUT}`];
  return [
    ...always,
    `--max-old-space-size=${String(limits.memoryMb)}`,
    ...['--permission', '--allow-fs-read=*', '--allow-fs-write=/tmp', ...out],
  ];
}

function pluginFolders({ plugin, blobs, runtime }: LaunchSpec): string[] {
  const folder =
    plugin === null || runtime === 'isolate' ? [] : readOnly([[plugin.folder, '/plugin']]);
  if (blobs === null) return folder;
  return [
    ...folder,
    ...readOnly([[blobs.inFolder, BLOBS_IN]]),
    ...['--bind', blobs.outFolder, BLOBS_OUT],
    ...['--setenv', 'HUB_BLOBS_IN', BLOBS_IN, '--setenv', 'HUB_BLOBS_OUT', BLOBS_OUT],
  ];
}

/** Drivers speak to the display through its socket file: the jail has no network, so abstract sockets are out of reach. */
function displayAccess({ name, authority }: Display): string[] {
  const socket = `/tmp/.X11-unix/X${/:(\d+)/u.exec(name)?.[1] ?? '0'}`;
  const key = '/tmp/.Xauthority';
  return [
    ...['--ro-bind-try', socket, socket, '--setenv', 'DISPLAY', name, '--setenv', 'HOME', '/tmp'],
    ...(authority === null
      ? []
      : ['--ro-bind-try', path.resolve(authority), key, '--setenv', 'XAUTHORITY', key]),
  ];
}
