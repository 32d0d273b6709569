import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createLauncher } from '../../../plugin-sdk/hosting/jail/launcher.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { programOf, type SystemCall } from './machine-code.ts';

const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64';
const EPERM = -1;
const ENOSYS = -38;
const SIGCHLD = 17;
const CLONE_NEWUSER = 0x1000_0000;
const CLONE_NEWPID = 0x2000_0000;

type Row = readonly [
  name: string,
  numbers: SystemCall['numbers'],
  args?: SystemCall['args'],
  errno?: number,
];

/** What native code would try to leave its jail, look into others, or reach the kernel by. */
const REFUSED: readonly Row[] = [
  ['ptrace, to be traced', [101, 117]],
  ['ptrace, to seize the first process', [101, 117], [0x4206, 1]],
  ['process_vm_readv', [310, 270], [1, 'scratch', 1, 'scratch', 1]],
  ['process_vm_writev', [311, 271], [1, 'scratch', 1, 'scratch', 1]],
  ['process_madvise', [440, 440]],
  ['pidfd_getfd', [438, 438]],
  ['kcmp', [312, 272], [1, 1]],
  ['bpf', [321, 280], [0, 'scratch', 64]],
  ['perf_event_open', [298, 241], ['scratch', 0, -1, -1, 0]],
  ['io_uring_setup', [425, 425], [8, 'scratch']],
  ['io_uring_enter', [426, 426]],
  ['io_uring_register', [427, 427]],
  ['userfaultfd', [323, 282], [1]],
  ['memfd_create', [319, 279], ['scratch', 0]],
  ['memfd_secret', [447, 447]],
  ['add_key', [248, 217], ['scratch', 'scratch', 'scratch', 1, -3]],
  ['request_key', [249, 218], ['scratch', 'scratch', 'scratch', -3]],
  ['keyctl', [250, 219], [0, -3, 1]],
  ['mount', [165, 40], ['scratch', 'scratch', 'scratch', 0, 0]],
  ['umount2', [166, 39], ['scratch', 2]],
  ['pivot_root', [155, 41], ['scratch', 'scratch']],
  ['chroot', [161, 51], ['scratch']],
  ['open_tree', [428, 428], [-100, 'scratch', 1]],
  ['move_mount', [429, 429]],
  ['fsopen', [430, 430], ['scratch', 0]],
  ['fsmount', [432, 432]],
  ['mount_setattr', [442, 442], [-100, 'scratch', 0, 'scratch', 32]],
  ['name_to_handle_at', [303, 264]],
  ['open_by_handle_at', [304, 265], [-100, 'scratch', 0]],
  ['fanotify_init', [300, 262]],
  ['setns', [308, 268], [3, 0]],
  ['unshare of the user namespace', [272, 97], [CLONE_NEWUSER]],
  ['clone into a user namespace', [56, 220], [CLONE_NEWUSER + SIGCHLD]],
  ['clone into a pid namespace', [56, 220], [CLONE_NEWPID + SIGCHLD]],
  ['clone of a process', [56, 220], [SIGCHLD]],
  ['fork', [57, null]],
  ['vfork', [58, null]],
  ['clone3, whose flags no filter can read', [435, 435], ['scratch', 88], ENOSYS],
  ['kexec_load', [246, 104]],
  ['kexec_file_load', [320, 294]],
  ['init_module', [175, 105], ['scratch', 1, 'scratch']],
  ['finit_module', [313, 273], [3, 'scratch', 0]],
  ['delete_module', [176, 106], ['scratch', 0]],
  ['reboot', [169, 142], [0, 0, 0]],
  ['swapon', [167, 224], ['scratch', 0]],
  ['acct', [163, 89], ['scratch']],
  ['quotactl', [179, 60]],
  ['syslog', [103, 116], [3, 'scratch', 100]],
  ['settimeofday', [164, 170], ['scratch', 0]],
  ['clock_settime', [227, 112], [0, 'scratch']],
  ['adjtimex', [159, 171], ['scratch']],
  ['sethostname', [170, 161], ['scratch', 1]],
  ['setdomainname', [171, 162], ['scratch', 1]],
  ['personality, to turn address randomisation off', [135, 92], [0x4_0000]],
  ['move_pages', [279, 239], [1, 1, 'scratch', 0, 'scratch', 0]],
  ['shmget', [29, 194], [0, 4096, 0o1777]],
  ['msgget', [68, 186], [0, 0o1777]],
  ['semget', [64, 190], [0, 1, 0o1777]],
  ['iopl', [172, null], [3]],
  ['ioperm', [173, null], [0, 1, 1]],
  ['modify_ldt', [154, null], [1, 'scratch', 16]],
  ['typing into a terminal by TIOCSTI', [16, 29], [0, 0x5412, 'scratch']],
  ['pasting into a console by TIOCLINUX', [16, 29], [0, 0x541c, 'scratch']],
  ['a socket of IPv4', [41, 198], [2, 1, 0]],
  ['a socket of IPv6', [41, 198], [10, 1, 0]],
  ['a Unix socket', [41, 198], [1, 1, 0]],
  ['a raw socket', [41, 198], [2, 3, 1]],
  ['a packet socket', [41, 198], [17, 3, 0]],
  ['a netlink socket', [41, 198], [16, 3, 0]],
  ['a socket to the hypervisor (vsock)', [41, 198], [40, 1, 0]],
  ['a socket of the kernel’s ciphers (AF_ALG)', [41, 198], [38, 5, 0]],
  ['a Bluetooth socket', [41, 198], [31, 3, 0]],
];

const rows = REFUSED.filter(([, numbers]) => numbers[ARCH === 'x64' ? 0 : 1] !== null);

/** Runs native code in a jail as a plugin would that has escaped from its engine; what it wrote, and how it ended. */
async function runNative(program: Buffer) {
  using folder = temporaryFolder('native');
  const file = path.join(folder.path, 'native');
  writeFileSync(file, program);
  chmodSync(folder.path, 0o755);
  chmodSync(file, 0o755);
  const script = `require('node:fs').writeSync(3, '.'); process.execve(${JSON.stringify(file)}, ['native'], {});`;
  const hosts = { entry: () => ['-e', script], mounts: [folder.path] };
  const launcher = createLauncher({ minIsolation: 'strong', hosts });
  const limits = { memoryMb: 64, entryMs: 200, openFiles: 128, processes: 1 };
  const host = await launcher.launch({
    host: 'x',
    runtime: 'isolate',
    plugin: null,
    blobs: null,
    limits,
  });
  const chunks: Buffer[] = [];
  host.logs.on('data', (chunk: Buffer) => void chunks.push(chunk));
  const end = await host.ended;
  return { wrote: Buffer.concat(chunks), end };
}

describe('native code in a jail is refused', () => {
  let results: readonly number[] = [];
  beforeAll(async () => {
    const calls = rows.map(([, numbers, args = []]) => ({ numbers, args }));
    const { wrote, end } = await runNative(programOf(calls, ARCH));
    expect(end).toEqual({ code: 0, signal: null });
    results = calls.map((_, at) => Number(wrote.readBigInt64LE(8 * at)));
  });

  test.for(rows.map((row, at) => [row[0], row[3] ?? EPERM, at] as const))(
    '%s',
    ([, errno, at], { task }) => {
      task.meta.outcome =
        results[at] === ENOSYS ? 'ENOSYS' : results[at] === EPERM ? 'EPERM' : String(results[at]);
      expect(results[at]).toBe(errno);
    },
  );
});

test('the same program outside of any jail gets what it asks for', () => {
  using folder = temporaryFolder('native');
  const file = path.join(folder.path, 'native');
  const getpid = { numbers: [39, 172], args: [] } as const;
  const socket = { numbers: [41, 198], args: [1, 1, 0] } as const;
  writeFileSync(file, programOf([getpid, socket], ARCH), { mode: 0o755 });
  const { stdout, pid } = spawnSync(file);
  expect([stdout.readBigInt64LE(0), stdout.readBigInt64LE(8) > 0n]).toEqual([BigInt(pid), true]);
});

/** The x32 ABI has the same calls under other numbers, which a filter of numbers alone would let pass. */
test.runIf(ARCH === 'x64')(
  'native code in a jail that calls by x32 numbers is killed',
  async () => {
    const { wrote, end } = await runNative(
      programOf([{ numbers: [0x4000_0000 + 39, null], args: [] }], ARCH),
    );
    expect(wrote).toHaveLength(0);
    expect(end.code).not.toBe(0);
  },
);
