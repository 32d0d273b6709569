import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { plugin } from '../../kernel/capability/world.ts';
import {
  coded,
  ENV,
  openStage,
  SH,
  temporaryFolder,
  writeProgram,
} from '../../studio/server/services/process/process-stage.ts';

const PRINTF = realpathSync('/usr/bin/printf');

test.for([
  ['a command after a semicolon', '; touch pwned'],
  ['a substitution', '$(touch pwned)`touch pwned`'],
  ['a pipe and an ampersand', '| touch pwned & touch pwned && touch pwned'],
  ['a redirection', '> pwned < /etc/passwd'],
  ['a variable, a home and a glob', '$HOME ~ * ? [a-z]'],
  ['lines', 'one\ntouch pwned\r\n\ttwo'],
  ['quotes and backslashes', '"\'\\" \'"\' \\\\'],
  ['no character at all', ''],
  ['what is no ASCII', '𝕊 ünï \u202e \u{FEFF}'],
] as const)('%s stays text in an argument', async ([, text], context) => {
  const folder = temporaryFolder(context);
  const { run } = openStage();
  const { stdout } = await run({ program: PRINTF, args: ['%s|', text, 'end'], folder });
  expect(stdout).toBe(`${text}|end|`);
  expect((await run({ program: realpathSync('/bin/ls'), folder })).stdout).toBe('');
});

test('a NUL in an argument is refused', async () => {
  const { run } = openStage();
  const going = run({ program: PRINTF, args: ['%s', 'a\0b'] });
  await expect(going).rejects.toEqual(coded('STEP_INPUT_INVALID'));
});

test('arguments of the hub that confines are arguments of the program', async () => {
  const { run } = openStage();
  const args = ['%s ', '--', '--bind', '/', '/', '--nproc=1', '--json-status-fd', '9'];
  expect((await run({ program: PRINTF, args })).stdout).toBe(`${args.slice(1).join(' ')} `);
});

test.for([
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'LD_AUDIT',
  'GLIBC_TUNABLES',
  'GCONV_PATH',
  'DYLD_INSERT_LIBRARIES',
  'NODE_OPTIONS',
  'NODE_PATH',
  'npm_config_script_shell',
  'BASH_ENV',
  'ENV',
  'SHELLOPTS',
  'PS4',
  'IFS',
  'PROMPT_COMMAND',
  'PYTHONSTARTUP',
  'PYTHONPATH',
  'PERL5OPT',
  'RUBYOPT',
  'JAVA_TOOL_OPTIONS',
  'GIT_SSH_COMMAND',
  'GIT_CONFIG_KEY_0',
  'PAGER',
  'OPENSSL_CONF',
  'PATH',
  'HOME',
])('%s in the environment is refused', async (name) => {
  const { run } = openStage();
  const going = run({ program: ENV, env: { [name]: '/tmp/evil' } });
  await expect(going).rejects.toMatchObject({
    code: 'STEP_INPUT_INVALID',
    data: { problems: [{ at: `/env/${name}` }] },
  });
});

test('a secret does not bring in what a value may not', async () => {
  const { run } = openStage({ secrets: { x: '/tmp/evil.so', nul: 'a\0b' } });
  const loading = run({ program: ENV, env: { LD_PRELOAD: { $secret: 'x' } } });
  await expect(loading).rejects.toEqual(coded('STEP_INPUT_INVALID'));
  const cut = run({ program: ENV, env: { VALUE: { $secret: 'nul' } } });
  await expect(cut).rejects.toEqual(coded('STEP_INPUT_INVALID'));
});

test('nothing of the hub’s environment reaches a program', async ({ onTestFinished }) => {
  process.env['HUB_CANARY'] = 'canary-4711';
  onTestFinished(() => void delete process.env['HUB_CANARY']);
  const stage = openStage();
  const { stdout } = await stage.sh('env; cat /proc/*/environ 2>/dev/null');
  expect(stdout).toContain('HOME=');
  expect(stdout).not.toContain('canary-4711');
});

test.for([
  ['relative', 'bin/sh'],
  ['with “..”', '/usr/../bin/sh'],
  ['with “.”', '/bin/./sh'],
  ['with two slashes', '/bin//sh'],
  ['ending in a slash', '/bin/sh/'],
  ['a pattern', '/bin/*'],
  ['everything', '*'],
  ['with a NUL', '/bin/sh\0x'],
  ['with a line', '/bin/sh\n'],
] as const)('a path of a program that is %s is refused', async ([, program]) => {
  await expect(openStage().run({ program })).rejects.toEqual(coded('STEP_INPUT_INVALID'));
});

test.for([
  ['nothing', (): string => '/usr/bin/there-is-none'],
  ['a folder', (): string => '/usr/bin'],
  ['a device', (): string => '/dev/null'],
  [
    'a file that may not be run',
    (folder: string) => writeProgram(join(folder, 'p'), '#!/bin/sh\n', 0o644),
  ],
  [
    'a script whose interpreter is not there',
    (folder: string) => writeProgram(join(folder, 'p'), '#!/nowhere/sh\n'),
  ],
  [
    'a text that names no interpreter',
    (folder: string) => writeProgram(join(folder, 'p'), 'echo a shell ran this\n'),
  ],
  ['an empty file', (folder: string) => writeProgram(join(folder, 'p'), '')],
  ['a pipe', (folder: string) => made(folder, (at) => execFileSync('mkfifo', ['-m', '755', at]))],
  ['a link to nothing', (folder: string) => made(folder, (at) => symlinkSync('/nowhere', at))],
  ['a link to itself', (folder: string) => made(folder, (at) => symlinkSync('p', at))],
  ['below a file', (): string => '/etc/passwd/sh'],
] as const)('a program that is %s is refused', async ([, make], context) => {
  const program = make(temporaryFolder(context));
  await expect(openStage().run({ program })).rejects.toEqual(coded('PROCESS_REFUSED'));
});

function made(folder: string, make: (at: string) => unknown): string {
  const at = join(folder, 'p');
  make(at);
  return at;
}

test('a link to a program that was not granted is denied', async (context) => {
  const link = made(temporaryFolder(context), (at) => symlinkSync(SH, at));
  const { run } = openStage({ grants: [`process.run:${link}`] });
  const going = run({ program: link, args: ['-c', 'true'] });
  await expect(going).rejects.toMatchObject({
    code: 'CAPABILITY_DENIED',
    data: { need: `process.run:${SH}` },
  });
  const both = openStage({ grants: [`process.run:${link}`, `process.run:${SH}`] });
  expect(await both.run({ program: link, args: ['-c', 'echo ran'] })).toMatchObject({
    stdout: 'ran\n',
  });
});

test('a denied program is not run by way of a link in the middle of its path', async (context) => {
  const folder = temporaryFolder(context);
  symlinkSync(SH.slice(0, SH.lastIndexOf('/')), join(folder, 'bin'));
  const stage = openStage();
  stage.broker.deny({ plugin, capability: 'process.run', target: SH, by: 'me' });
  const program = join(folder, 'bin', SH.slice(SH.lastIndexOf('/') + 1));
  const going = stage.run({ program, args: ['-c', 'true'] });
  await expect(going).rejects.toEqual(coded('CAPABILITY_DENIED'));
});

test.for(['/proc/self/exe', `/proc/self/root${SH}`, `/proc/self/cwd${SH}`])(
  'a grant for %s does not stand for what it leads to',
  async (program) => {
    const { run } = openStage({ grants: [`process.run:${program}`] });
    const going = run({ program, args: ['--version'] });
    const refusal = await going.catch((error: unknown) => error);
    expect(['CAPABILITY_DENIED', 'PROCESS_REFUSED']).toContain(codeIn(refusal));
  },
);

const codeIn = (error: unknown) =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : null;

test('a program swapped for another while it is started gives no output', async (context) => {
  const folder = temporaryFolder(context);
  const [program, evil] = [join(folder, 'program'), join(folder, 'evil')];
  writeProgram(program, '#!/bin/sh\necho honest\n');
  writeProgram(evil, `#!${SH}\necho evil\n`);
  const swapper = `while :; do ln -sf evil p2; mv -T p2 program; cp good p3; mv -T p3 program; done`;
  copyFileSync(program, join(folder, 'good'));
  const stage = openStage({ grants: [`process.run:${program}`, `process.run:${SH}`] });
  const stop = new AbortController();
  const swapping = stage.sh(swapper, { folder }, stop.signal).catch((error: unknown) => error);
  const outcomes = new Set<string>();
  for (let at = 0; at < 40; at += 1) {
    const going = stage.run({ program });
    outcomes.add(
      await going.then(
        (it) => it.stdout,
        (error: unknown) => String(codeIn(error)),
      ),
    );
  }
  stop.abort(new Error('enough'));
  expect(codeIn(await swapping)).toBe('STEP_CANCELLED');
  const fine = new Set(['honest\n', 'PROCESS_REFUSED', 'CAPABILITY_DENIED']);
  expect([...outcomes].filter((it) => !fine.has(it))).toEqual([]);
});

test('a folder that vanishes between check and start starts nothing in another place', async (context) => {
  const folder = temporaryFolder(context);
  const at = join(folder, 'here');
  mkdirSync(at);
  const stage = openStage();
  const stop = new AbortController();
  const blinking = stage
    .sh('while :; do rmdir here; mkdir here; done', { folder }, stop.signal)
    .catch((error: unknown) => error);
  const outcomes = new Set<unknown>();
  for (let turn = 0; turn < 40; turn += 1) {
    const going = stage.sh('pwd', { folder: at });
    outcomes.add(await going.then((it) => it.stdout, codeIn));
  }
  stop.abort(new Error('enough'));
  await blinking;
  // An empty line comes from where it was meant to be, once that is gone.
  const fine = new Set<unknown>([`${at}\n`, '\n', 'STEP_INPUT_INVALID', 'PROCESS_REFUSED']);
  expect([...outcomes].filter((it) => !fine.has(it))).toEqual([]);
});

test('more arguments than the system takes are refused', async () => {
  const { run } = openStage();
  const args = Array.from({ length: 200 }, () => 'x'.repeat(32_768));
  await expect(run({ program: PRINTF, args })).rejects.toEqual(coded('PROCESS_REFUSED'));
});

test('a program has its three descriptors and nothing of the hub’s', async () => {
  const stage = openStage();
  const { stdout } = await stage.sh('for fd in /proc/$$/fd/*; do readlink "$fd"; done');
  const open = stdout.trim().split('\n');
  expect(open.filter((it) => !/^(?:socket:\[\d+\]|\/dev\/null)$/u.test(it))).toEqual([]);
  expect(open.filter((it) => it.startsWith('socket:'))).toHaveLength(2);
});

test('a program has no terminal, and a session of its own', async () => {
  const stage = openStage();
  const script = '(exec 3</dev/tty) 2>/dev/null || echo none; cut -d" " -f6 /proc/$$/stat';
  const { stdout } = await stage.sh(script);
  expect(stdout).toMatch(/^none\n\d+\n$/u);
  // In its own pid namespace a session of outside would show as 0.
  expect(Number(stdout.split('\n')[1])).toBeGreaterThan(0);
});

test('a program gains no rights from set-user-ID', async () => {
  const stage = openStage();
  expect(await stage.sh('grep NoNewPrivs /proc/self/status')).toMatchObject({
    stdout: 'NoNewPrivs:\t1\n',
  });
});

test('the hub cannot be seen or signalled by a program', async () => {
  const stage = openStage();
  const pid = String(process.pid);
  const { stdout } = await stage.sh(
    `kill -0 ${pid} 2>/dev/null && echo seen; kill -9 -1; echo on; ls /proc | grep -c '^[0-9]'`,
  );
  expect(stdout).toMatch(/^on\n[1-6]\n$/u);
});
