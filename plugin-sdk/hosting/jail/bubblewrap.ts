import path from 'node:path';
import type { LaunchSpec } from '../ports.ts';

/** File descriptors a host starts with; 3 is its channel, the others are read and closed by bubblewrap. */
export const CHANNEL_FD = 3;
export const SECCOMP_FD = 4;
export const ARGS_FD = 5;
export const STATUS_FD = 6;

const BLOBS_IN = '/blobs/in';
const BLOBS_OUT = '/blobs/out';
const NODE = '/rt/node';
const TMP_BYTES = 16 * 1024 * 1024;
const FILE_BYTES = 256 * 1024 * 1024;
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
}

/** A command that starts a jail: `argv`, and the options bubblewrap reads NUL-separated from ARGS_FD, so that none shows in /proc inside. */
export interface JailCommand {
  readonly argv: readonly string[];
  readonly options: readonly string[];
}

/**
 * Plans the jail of one host: own user, pid, net, ipc, uts and cgroup namespaces, no capabilities, no environment, a read-only root
 * that shows node, its libraries, the runtime and the plugin. `entry` is what node runs.
 */
export function planJail(spec: LaunchSpec, view: JailView, entry: readonly string[]): JailCommand {
  const argv = [
    view.prlimit,
    ...resourceLimits(spec),
    '--',
    view.bwrap,
    '--args',
    String(ARGS_FD),
    '--',
    NODE,
    ...nodeFlags(spec),
    ...entry,
  ];
  const options = [
    ...ISOLATION,
    ...readOnly([[view.node, NODE], ...view.libraries.map(atOwnPath)]),
    // First, so that it hides nothing of what a hub that lives below /tmp mounts there.
    ...['--size', String(TMP_BYTES), '--tmpfs', '/tmp'],
    ...readOnly(view.mounts.map(atOwnPath)),
    ...DEVICES.flatMap((device) => ['--dev-bind', device, device]),
    ...['--proc', '/proc'],
    ...pluginFolders(spec),
    ...(spec.runtime === 'driver' && view.display !== null ? displayAccess(view.display) : []),
    // A hub run by root is root to the files of /proc, so none may be writable.
    ...['--remount-ro', '/proc', '--remount-ro', '/', '--chdir', '/'],
  ];
  return { argv, options };
}

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
 * RLIMIT_DATA counts address space, so it only works as a memory cap without a JIT: isolate hosts. RLIMIT_NPROC is per user and
 * does not bind root; hosts that may start processes get it as a backstop, all others are refused fork by seccomp.
 */
function resourceLimits({ runtime, limits }: LaunchSpec): string[] {
  const common = [
    '--core=0',
    `--nofile=${String(limits.openFiles)}`,
    `--fsize=${String(FILE_BYTES)}`,
  ];
  const processes = limits.processes > 1 ? [`--nproc=${String(limits.processes)}`] : [];
  const data = runtime === 'isolate' ? [`--data=${String(isolateBytes(limits.memoryMb))}`] : [];
  return [...common, ...processes, ...data];
}

/** Address space of a jitless isolate host in bytes: its own 96 MB and one and a half times the isolate's memory. */
export const isolateBytes = (memoryMb: number): number => (96 + 1.5 * memoryMb) * 1024 * 1024;

function nodeFlags({ runtime, limits, blobs }: LaunchSpec): string[] {
  const always = ['--disable-sigusr1', '--no-experimental-sqlite'];
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
