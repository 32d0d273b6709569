import { playAttacks } from '../arena/play.ts';
import { NO, probes } from './probes.ts';

const powers = probes([
  [
    'no program can be started',
    '["spawnSync", "execFileSync", "execSync"].map((it) => tried(() => require("node:child_process")[it]("/rt/node")))',
    [NO, NO, NO],
  ],
  [
    'no copy of itself can be forked',
    'tried(() => require("node:child_process").fork("/plugin/plugin.js"))',
    NO,
  ],
  [
    'it cannot become another program',
    'tried(() => process.execve("/rt/node", ["node", "-v"], {}))',
    NO,
  ],
  [
    'a hundred attempts at a process start none',
    'Array.from({ length: 100 }, () => tried(() => require("node:child_process").spawn("/rt/node"))).every((it) => it === "ERR_ACCESS_DENIED")',
    true,
  ],
  [
    'no thread of Node’s can be started',
    'tried(() => new (require("node:worker_threads").Worker)("1", { eval: true }))',
    NO,
  ],
  ['the binding behind Node’s modules is closed', 'tried(() => process.binding("fs"))', NO],
  ['the binding behind Node’s spawn is closed', 'tried(() => process.binding("spawn_sync"))', NO],
  [
    'no library is loaded, not even one it wrote itself',
    'tried(() => { fs.writeFileSync("/tmp/x.node", Buffer.from([127, 69, 76, 70])); process.dlopen({ exports: {} }, "/tmp/x.node"); })',
    'ERR_DLOPEN_DISABLED',
  ],
  [
    'no library is loaded by require',
    'tried(() => { fs.writeFileSync("/tmp/y.node", ""); require("/tmp/y.node"); })',
    'ERR_DLOPEN_DISABLED',
  ],
  ['no debugger can be opened', 'tried(() => require("node:inspector").open(0, "127.0.0.1"))', NO],
  [
    'no debugger can be asked for by a signal',
    'tried(() => { process.kill(process.pid, "SIGUSR1"); return require("node:inspector").url(); })',
    'ALLOWED undefined',
  ],
  [
    'a database opens no file of the machine and writes none outside of /tmp',
    `(() => { const { DatabaseSync } = require("node:sqlite"); const run = (text) => tried(() => new DatabaseSync(":memory:").exec(text));
      return [tried(() => new DatabaseSync(config.secretFile)), tried(() => new DatabaseSync("/plugin/x.db").exec("CREATE TABLE t (a)")), run("VACUUM INTO '/plugin/x'"), run("ATTACH '" + config.secretFile + "' AS it")]; })()`,
    ['ERR_SQLITE_ERROR', 'ERR_SQLITE_ERROR', 'ERR_SQLITE_ERROR', 'ERR_SQLITE_ERROR'],
  ],
  [
    'no WASI is there to open folders with',
    'tried(() => new (require("node:wasi").WASI)({ version: "preview1", preopens: { "/": "/" } }))',
    NO,
  ],
  [
    'no snapshot of the heap can be written outside',
    'tried(() => require("node:v8").writeHeapSnapshot("/plugin/heap"))',
    NO,
  ],
  [
    'no report can be written outside',
    'tried(() => process.report.writeReport("/plugin/report.json"))',
    NO,
  ],
  [
    'user and group cannot be changed',
    '[tried(() => process.setuid(0)), tried(() => process.setgid(0)), tried(() => process.setgroups([0]))]',
    ['EINVAL', 'EINVAL', 'EPERM'],
  ],
  [
    'it runs as nobody, even when the hub is root',
    '[process.getuid(), process.getgid()]',
    [65534, 65534],
  ],
  [
    'it holds no capability of the kernel’s',
    '/CapEff:\\t(\\w+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1] + /NoNewPrivs:\\t(\\d)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1] + /Seccomp:\\t(\\d)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]',
    '000000000000000012',
  ],
  [
    'descriptors run out at their limit',
    'tried(() => { for (let i = 0; i < 1000; i++) fs.openSync("/dev/null"); })',
    'EMFILE',
  ],
  [
    'flags of the engine change nothing about the jail',
    'tried(() => { require("node:v8").setFlagsFromString("--allow-natives-syntax"); require("node:v8").setFlagsFromString("--no-jitless"); return fs.readFileSync(config.secretFile); })',
    'ENOENT',
  ],
  [
    'a core that is dumped leaves no file',
    '/Max core file size\\s+(\\d+)\\s+(\\d+)/.exec(fs.readFileSync("/proc/self/limits", "utf8")).slice(1).join(" ")',
    '0 0',
  ],
  [
    'priority cannot be raised',
    'tried(() => require("node:os").setPriority(-20))',
    'ERR_SYSTEM_ERROR',
  ],
  [
    'the module loader cannot be hooked into another program',
    'tried(() => require("node:module").register("data:text/javascript,"))',
    NO,
  ],
]);

const sockets = probes([
  [
    'no address of the machine can be connected to',
    'await Promise.all(["127.0.0.1", "::1", "0.0.0.0"].map((host) => heard((done) => require("node:net").connect({ port: 9, host }).on("connect", () => done()).on("error", done))))',
    ['EPERM', 'EPERM', 'EPERM'],
  ],
  [
    'nothing can be listened on',
    'await heard((done) => require("node:net").createServer().on("error", done).listen(0, () => done()))',
    'EPERM',
  ],
  [
    'no datagram can be sent',
    'await Promise.all(["udp4", "udp6"].map((kind) => heard((done) => require("node:dgram").createSocket(kind).on("error", done).bind(0, () => done()))))',
    ['EPERM', 'EPERM'],
  ],
  [
    'no socket of the machine can be reached by its path',
    'await Promise.all(["/tmp/.X11-unix/X0", "/var/run/docker.sock", "\\0/tmp/.X11-unix/X0", "/run/dbus/system_bus_socket"].map((path) => heard((done) => require("node:net").connect({ path }).on("connect", () => done()).on("error", done))))',
    ['EPERM', 'EPERM', 'EPERM', 'EPERM'],
  ],
  [
    'no name can be looked up',
    'await heard((done) => require("node:dns").lookup("example.com", (error) => done(error)))',
    'EAI_AGAIN',
  ],
  [
    'no name server can be asked',
    'await heard((done) => { const { Resolver } = require("node:dns"); const one = new Resolver({ timeout: 100, tries: 1 }); one.setServers(["127.0.0.1:9"]); one.resolve4("example.com", done); })',
    'ECONNREFUSED',
  ],
  ['fetch fails', 'await fetch("http://127.0.0.1:9/").catch((error) => error.name)', 'TypeError'],
  [
    'a web socket fails',
    'await heard((done) => { const it = new WebSocket("ws://127.0.0.1:9/"); it.onopen = () => done(); it.onerror = () => done({ code: "closed" }); })',
    'closed',
  ],
]);

playAttacks([...powers, ...sockets]);
