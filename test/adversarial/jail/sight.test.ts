import { playAttacks } from '../arena/play.ts';
import { NO, probes } from './probes.ts';

const files = probes([
  [
    'the user’s key in ~/.ssh is not there',
    'tried(() => fs.readFileSync(config.secretFile))',
    'ENOENT',
  ],
  ['the user’s home is not there', 'tried(() => fs.readdirSync(config.home))', 'ENOENT'],
  [
    'the hub’s signing key is not there',
    'tried(() => fs.readFileSync(config.folder + "/keys/developer.pem"))',
    'ENOENT',
  ],
  ['the hub’s database is not there', 'tried(() => fs.readdirSync(config.folder))', 'ENOENT'],
  [
    'the source of the hub is not there',
    'tried(() => fs.readFileSync(config.root + "/package.json"))',
    'ENOENT',
  ],
  [
    'passwords are not there',
    '["/etc/passwd", "/etc/shadow"].map((it) => tried(() => fs.readFileSync(it)))',
    ['ENOENT', 'ENOENT'],
  ],
  [
    'the keys of other programs are not there',
    '["/root", "/home", "/run", "/var/run/docker.sock", "/etc/kubernetes"].map((it) => tried(() => fs.statSync(it))).filter((it) => it !== "ENOENT" && !it.startsWith("ALLOWED [object"))',
    [],
  ],
  [
    'a way up with .. ends at the jail',
    'tried(() => fs.readFileSync("/plugin/../../../../../.." + config.secretFile))',
    'ENOENT',
  ],
  [
    'a link made to a secret leads nowhere',
    'tried(() => { fs.symlinkSync(config.secretFile, "/tmp/link"); return fs.readFileSync("/tmp/link"); })',
    NO,
  ],
  [
    'a hard link cannot make a plugin’s own file writable',
    'tried(() => fs.linkSync("/plugin/plugin.js", "/tmp/hard"))',
    NO,
  ],
  [
    'a path with a NUL is refused',
    'tried(() => fs.readFileSync("/plugin/plugin.js\\0.txt"))',
    'ERR_INVALID_ARG_VALUE',
  ],
  [
    'a path of bytes is treated like any other',
    'tried(() => fs.readFileSync(Buffer.from(config.secretFile)))',
    'ENOENT',
  ],
  [
    'a path as a URL is treated like any other',
    'tried(() => fs.readFileSync(new URL("file://" + config.secretFile)))',
    'ENOENT',
  ],
  [
    'the plugin cannot change itself',
    'tried(() => fs.appendFileSync("/plugin/plugin.js", "x"))',
    NO,
  ],
  // Refused by node, or, where the hub lies below /tmp, by the read-only mount, or before it by the file's mode.
  [
    'the runtime cannot be changed',
    '["ERR_ACCESS_DENIED", "EROFS", "EACCES"].includes(tried(() => fs.appendFileSync(process.argv[1], "x")))',
    true,
  ],
  ['the program cannot be changed', 'tried(() => fs.appendFileSync(process.execPath, "x"))', NO],
  [
    '/tmp holds sixteen megabytes',
    'tried(() => { for (let i = 0; i < 40; i++) fs.writeFileSync("/tmp/f" + i, Buffer.alloc(1 << 20)); })',
    'ENOSPC',
  ],
  [
    '/dev holds nothing but the four that are needed',
    'fs.readdirSync("/dev").toSorted()',
    ['null', 'random', 'urandom', 'zero'],
  ],
  [
    'no device can be made or memory be opened',
    '["/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/fuse", "/dev/tty"].map((it) => tried(() => fs.openSync(it)))',
    ['ENOENT', 'ENOENT', 'ENOENT', 'ENOENT', 'ENOENT'],
  ],
]);

const proc = probes([
  [
    'the environment holds nothing of the hub’s',
    '[process.env[config.secretName] ?? null, Object.keys(process.env).filter((it) => !/^(PWD|HUB_BLOBS_(IN|OUT))$/.test(it))]',
    [null, []],
  ],
  [
    'the environment in /proc holds nothing of the hub’s',
    'fs.readFileSync("/proc/self/environ", "utf8").includes("canary")',
    false,
  ],
  [
    'the first process of the jail shows no path of the machine',
    'tried(() => fs.readFileSync("/proc/1/cmdline", "utf8").includes(config.folder))',
    'ALLOWED false',
  ],
  [
    'the first process’s root is no way out',
    'tried(() => fs.readFileSync("/proc/1/root" + config.secretFile))',
    'ENOENT',
  ],
  [
    'the own root is no way out',
    'tried(() => fs.readFileSync("/proc/self/root" + config.secretFile))',
    'ENOENT',
  ],
  [
    'memory cannot be written through /proc',
    'tried(() => fs.openSync("/proc/self/mem", "r+"))',
    NO,
  ],
  [
    'the memory of the jail’s first process, which is bubblewrap, holds no secret of the hub’s',
    'searched(1, [config.secretName, "canary-", "PRIVATE KEY"])',
    [],
  ],
  [
    'the first process holds no descriptor of a file',
    'fs.readdirSync("/proc/1/fd").map((fd) => fs.readlinkSync("/proc/1/fd/" + fd)).filter((to) => !/^(socket:|anon_inode:|pipe:|.dev.null$)/.test(to))',
    [],
  ],
  [
    'the kernel’s settings cannot be written',
    '["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger"].map((it) => tried(() => fs.writeFileSync(it, "x")))',
    [NO, NO, NO],
  ],
  [
    'no other process is to be seen',
    'fs.readdirSync("/proc").filter((it) => /^[0-9]+$/.test(it)).length',
    2,
  ],
  ['the hub is out of reach of signals', 'tried(() => process.kill(config.hubPid, 0))', 'ESRCH'],
  [
    'mounts tell nothing of the machine’s folders',
    'fs.readFileSync("/proc/self/mountinfo", "utf8").includes(config.home)',
    false,
  ],
  [
    'no descriptor leads to a file, a socket or a terminal of the hub',
    'fs.readdirSync("/proc/self/fd").flatMap((fd) => { try { return [fs.readlinkSync("/proc/self/fd/" + fd)]; } catch { return []; } }).filter((to) => !/^(socket:|anon_inode:|pipe:|.dev.null$|.proc.)/.test(to))',
    [],
  ],
  [
    'there is no terminal to type into',
    '[process.stdin.isTTY ?? false, process.stdout.isTTY ?? false, tried(() => fs.openSync("/dev/tty"))]',
    [false, false, 'ENOENT'],
  ],
  [
    'the name of the machine and its user are not told',
    '[require("node:os").hostname(), tried(() => require("node:os").userInfo().username)]',
    ['plugin', 'ERR_SYSTEM_ERROR'],
  ],
]);

playAttacks([
  ...files,
  ...proc,
  {
    name: 'the hub’s own process keeps the secret it was given',
    act: async (arena) =>
      await Promise.resolve(process.env[arena.knowledge.secretName] === arena.secrets[0]),
    expect: { out: true },
  },
]);
