import { Buffer } from 'node:buffer';

/** A system call of a native program: its number on x64 and arm64 (null where there is none), and its arguments. */
export interface SystemCall {
  readonly numbers: readonly [x64: number | null, arm64: number | null];
  readonly args: readonly (number | 'scratch')[];
}

type Arch = 'x64' | 'arm64';

const BASE = 0x40_0000;
const HEADERS = 64 + 56;
const SCRATCH_BYTES = 65_536;
const STDOUT_FD = 1;

/**
 * A static ELF program without any library that makes these calls, one after the other, writes what each returned to
 * its standard output as 64-bit numbers, and exits. What a native exploit would do, with no compiler on the machine.
 */
export function programOf(calls: readonly SystemCall[], arch: Arch): Buffer {
  const results = BASE + 0x10_0000;
  const scratch = results + 8 * calls.length;
  const column = arch === 'x64' ? 0 : 1;
  const { call, store } = ASSEMBLERS[arch];
  const [write, exit] = arch === 'x64' ? [1, 60] : [64, 93];
  const made = calls.flatMap(({ numbers, args }, index) => [
    call(
      numbers[column] ?? -1,
      args.map((it) => (it === 'scratch' ? scratch : it)),
    ),
    store(results + 8 * index),
  ]);
  const code = Buffer.concat([
    ...made,
    call(write, [STDOUT_FD, results, 8 * calls.length]),
    call(exit, [0]),
  ]);
  return Buffer.concat([elfHeaders(arch, code.length), code]);
}

interface Assembler {
  readonly call: (number: number, args: readonly number[]) => Buffer;
  /** Keeps what the call returned at an address. */
  readonly store: (address: number) => Buffer;
}

const quad = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
};

/** rax, then rdi, rsi, rdx, r10, r8, r9, by `mov r64, imm64`. */
const X64_MOVES = [
  [0x48, 0xb8],
  [0x48, 0xbf],
  [0x48, 0xbe],
  [0x48, 0xba],
  [0x49, 0xba],
  [0x49, 0xb8],
  [0x49, 0xb9],
];

const X64: Assembler = {
  call: (number, args) =>
    Buffer.concat([
      ...[number, ...padded(args)].flatMap((value, at) => [
        Buffer.from(X64_MOVES[at] ?? []),
        quad(value),
      ]),
      Buffer.from([0x0f, 0x05]),
    ]),
  store: (address) => Buffer.concat([Buffer.from([0x48, 0xa3]), quad(address)]),
};

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

/** movz, then movk for each further 16 bits. */
function moveArm64(register: number, value: number): Buffer {
  const bits = BigInt.asUintN(64, BigInt(value));
  return Buffer.concat(
    [0, 1, 2, 3].map((part) => {
      const immediate = Number((bits >> BigInt(16 * part)) & 0xffffn);
      const opcode = part === 0 ? 0xd2800000 : 0xf2800000;
      return word(opcode + part * 0x20_0000 + immediate * 32 + register);
    }),
  );
}

const ARM64: Assembler = {
  call: (number, args) =>
    Buffer.concat([
      ...padded(args).map((value, at) => moveArm64(at, value)),
      moveArm64(8, number),
      word(0xd4000001),
    ]),
  // str x0, [x9]
  store: (address) => Buffer.concat([moveArm64(9, address), word(0xf9000120)]),
};

const padded = (args: readonly number[]): readonly number[] =>
  Array.from({ length: 6 }, (_, at) => args[at] ?? 0);

const ASSEMBLERS: Readonly<Record<Arch, Assembler>> = { x64: X64, arm64: ARM64 };

/** System V ABI: one segment that may be read, written and run, with room for results and scratch behind the code. */
function elfHeaders(arch: Arch, codeBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADERS);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(bytes);
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(arch === 'x64' ? 62 : 183, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(BASE + HEADERS), 24);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(64, 52);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(7, 68);
  for (const at of [80, 88]) bytes.writeBigUInt64LE(BigInt(BASE), at);
  bytes.writeBigUInt64LE(BigInt(HEADERS + codeBytes), 96);
  bytes.writeBigUInt64LE(BigInt(0x10_0000 + SCRATCH_BYTES), 104);
  bytes.writeBigUInt64LE(0x1000n, 112);
  return bytes;
}
