import { Buffer } from 'node:buffer';

/** What a host may do through system calls: open Unix sockets (drivers only), start processes of its own. */
export interface SeccompProfile {
  readonly sockets: 'none' | 'unix';
  readonly processes: boolean;
}

export type SeccompArch = 'x64' | 'arm64';

/** System calls answered with EPERM: their numbers on x64 and arm64; null where an architecture lacks one. */
const DENIED: Readonly<Record<string, readonly [x64: number | null, arm64: number | null]>> = {
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  userfaultfd: [323, 282],
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  setns: [308, 268],
  unshare: [272, 97],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  syslog: [103, 116],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  personality: [135, 92],
  vhangup: [153, 58],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
  shmget: [29, 194],
  msgget: [68, 186],
  semget: [64, 190],
  iopl: [172, null],
  ioperm: [173, null],
  modify_ldt: [154, null],
  uselib: [134, null],
};

interface Calls {
  readonly auditArch: number;
  readonly socket: number;
  readonly clone: number;
  readonly clone3: number;
  readonly ioctl: number;
  /** fork and vfork, where they exist. */
  readonly forks: readonly number[];
}

const CALLS: Readonly<Record<SeccompArch, Calls>> = {
  x64: { auditArch: 0xc000003e, socket: 41, clone: 56, clone3: 435, ioctl: 16, forks: [57, 58] },
  arm64: { auditArch: 0xc00000b7, socket: 198, clone: 220, clone3: 435, ioctl: 29, forks: [] },
};

const EPERM = 1;
const ENOSYS = 38;
const AF_UNIX = 1;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const CLONE_THREAD = 0x0001_0000;
/** Every CLONE_NEW… flag that clone(2) takes. */
const CLONE_NAMESPACES = 0x7e02_0000;
/** Numbers from here on are the x32 ABI, which would slip past the table. */
const X32_BIT = 0x4000_0000;

const KILL = 0x8000_0000;
const ALLOW = 0x7fff_0000;
const errno = (number: number): number => 0x0005_0000 | number;

/** One classic BPF instruction: opcode, jump if true, jump if false, operand. */
type Instruction = readonly [code: number, yes: number, no: number, k: number];

const OFFSET_NUMBER = 0;
const OFFSET_ARCH = 4;
const offsetArgument = (index: number): number => 16 + 8 * index;

const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const answer = (value: number): Instruction => [0x06, 0, 0, value];
const skipUnlessEqual = (value: number, count: number): Instruction => [0x15, 0, count, value];
const skipIfEqual = (value: number, count: number): Instruction => [0x15, count, 0, value];
const skipUnlessAtLeast = (value: number, count: number): Instruction => [0x35, 0, count, value];
const skipUnlessAnyBit = (mask: number, count: number): Instruction => [0x45, 0, count, mask];
const skipIfAnyBit = (mask: number, count: number): Instruction => [0x45, count, 0, mask];

/**
 * Assembles the filter bubblewrap loads (`--seccomp`): `struct sock_filter[]`, little-endian. Unknown architectures and
 * x32 are killed; clone3 is ENOSYS so that libc falls back to clone, whose flags a filter can read.
 * Everything it does not name is allowed.
 */
export function assembleSeccomp(arch: SeccompArch, profile: SeccompProfile): Buffer {
  const program = [
    ...checkArch(arch),
    ...denyAll(arch),
    ...denyClone(arch, profile.processes),
    ...denyTerminalInput(CALLS[arch].ioctl),
    ...denySockets(CALLS[arch].socket, profile.sockets),
    answer(ALLOW),
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, yes, no, k]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(yes, index * 8 + 2);
    bytes.writeUInt8(no, index * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4);
  }
  return bytes;
}

function checkArch(arch: SeccompArch): Instruction[] {
  const head = [
    load(OFFSET_ARCH),
    skipIfEqual(CALLS[arch].auditArch, 1),
    answer(KILL),
    load(OFFSET_NUMBER),
  ];
  return arch === 'x64' ? [...head, skipUnlessAtLeast(X32_BIT, 1), answer(KILL)] : head;
}

function denyAll(arch: SeccompArch): Instruction[] {
  const column = arch === 'x64' ? 0 : 1;
  const numbers = Object.values(DENIED).map((row) => row[column]);
  return numbers
    .filter((number) => number !== null)
    .flatMap((number) => [skipUnlessEqual(number, 1), answer(errno(EPERM))]);
}

/** Threads stay allowed; new processes only where the profile says so; new namespaces never. */
function denyClone(arch: SeccompArch, processes: boolean): Instruction[] {
  const { clone, clone3, forks } = CALLS[arch];
  const flags = processes
    ? [skipUnlessAnyBit(CLONE_NAMESPACES, 1), answer(errno(EPERM)), answer(ALLOW)]
    : [
        skipUnlessAnyBit(CLONE_NAMESPACES, 1),
        answer(errno(EPERM)),
        skipIfAnyBit(CLONE_THREAD, 1),
        answer(errno(EPERM)),
        answer(ALLOW),
      ];
  const denied = processes ? [] : forks;
  return [
    skipUnlessEqual(clone3, 1),
    answer(errno(ENOSYS)),
    ...denied.flatMap((number) => [skipUnlessEqual(number, 1), answer(errno(EPERM))]),
    skipUnlessEqual(clone, flags.length + 1),
    load(offsetArgument(0)),
    ...flags,
  ];
}

/** Typing into the terminal the hub was started from. */
function denyTerminalInput(ioctl: number): Instruction[] {
  return [
    skipUnlessEqual(ioctl, 6),
    load(offsetArgument(1)),
    skipUnlessEqual(TIOCSTI, 1),
    answer(errno(EPERM)),
    skipUnlessEqual(TIOCLINUX, 1),
    answer(errno(EPERM)),
    answer(ALLOW),
  ];
}

function denySockets(socket: number, allowed: SeccompProfile['sockets']): Instruction[] {
  if (allowed === 'none') return [skipUnlessEqual(socket, 1), answer(errno(EPERM))];
  return [
    skipUnlessEqual(socket, 3),
    load(offsetArgument(0)),
    skipIfEqual(AF_UNIX, 1),
    answer(errno(EPERM)),
  ];
}
