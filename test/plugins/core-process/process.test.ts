import type { Json, JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { manifestOf } from '@runtime-hub/plugin-sdk';
import { testNode } from '@runtime-hub/plugin-sdk/testing';
import { parseManifest } from '@runtime-hub/plugin-sdk/artifact';
import { expect, test } from 'vitest';
import { base64OfUtf16 } from '../../../plugins/core-process/base64.ts';
import definition from '../../../plugins/core-process/plugin.ts';

const GOOD = { exitCode: 0, signal: null, stdout: 'out', stderr: '', truncated: false, ms: 3 };
const answered = (result: object) => ({ 'process.run.run': { ...GOOD, ...result } as Json });
const trial = async (
  type: string,
  config: JsonObject,
  result: object = {},
  inputs: JsonObject = {},
) => await testNode(definition, type, { config, inputs, calls: answered(result) });

test('its manifest is valid, and asks only for what its nodes use', () => {
  const manifest = parseManifest(manifestOf(definition));
  expect(manifest.permissions.map((it) => `${it.capability}:${it.target}`)).toEqual([
    'process.run:*',
    'process.list:*',
    'process.end:*',
    'secrets.use:*',
  ]);
  const uses = new Set(manifest.nodes.flatMap((it) => it.uses));
  expect([...uses].toSorted()).toEqual(['process.end', 'process.list', 'process.run']);
});

test('what runs or ends something is never done again by itself', () => {
  const effects = manifestOf(definition).nodes.map((it) => [it.type, it.effect]);
  expect(Object.fromEntries(effects)).toEqual({
    run: 'external',
    'run-powershell': 'external',
    'run-cmd': 'external',
    list: 'idempotent',
    end: 'external',
  });
});

test('run hands everything over as it is', async () => {
  const config = {
    program: '/usr/bin/git',
    arguments: ['log', '--format=%H; rm -rf /'],
    folder: '~/code',
    env: { LANG: 'C', TOKEN: { $secret: 'git' } },
    timeoutMs: 5000,
    maxOutputBytes: 10,
  };
  const { outputs, calls } = await trial('run', config, {}, { stdin: 'in' });
  const { arguments: args, ...rest } = config;
  expect(calls).toEqual([
    { capability: 'process.run', operation: 'run', args: { ...rest, args, stdin: 'in' } },
  ]);
  expect(outputs).toEqual({ result: GOOD, stdout: 'out' });
});

test('run asks for nothing that was left out', async () => {
  const { calls } = await trial('run', { program: '/usr/bin/true' });
  expect(calls[0]?.args).toEqual({ program: '/usr/bin/true', args: [] });
});

test.for([
  [{}, { exitCode: 1 }, 'with exit code 1'],
  [{}, { exitCode: null, signal: 'SIGSEGV' }, 'by SIGSEGV'],
  [{ exitCodes: [1, 2] }, { exitCode: 0 }, 'with exit code 0'],
] as const)('run with %j fails after %j', async ([settings, result, how]) => {
  const going = trial('run', { program: '/usr/bin/x', ...settings } as JsonObject, {
    ...result,
    stdout: 'private',
    stderr: 'private',
  });
  await expect(going).rejects.toMatchObject({ code: 'STEP_FAILED' });
  await expect(going).rejects.toThrow(`The program ended ${how};`);
  await expect(going).rejects.not.toThrow('private');
});

test.for([
  [{ exitCodes: [0, 1] }, { exitCode: 1 }],
  [{ anyExit: true }, { exitCode: 77 }],
  [{ anyExit: true }, { exitCode: null, signal: 'SIGKILL' }],
] as const)('run with %j goes on after %j', async ([settings, result]) => {
  const config = { program: '/usr/bin/x', ...settings } as JsonObject;
  const { outputs } = await trial('run', config, result);
  expect(outputs['result']).toMatchObject(result);
});

test('an error of the hub stays what it is', async () => {
  const calls = {
    'process.run.run': () => {
      throw new HubError('PROCESS_REFUSED', { program: '/x', reason: 'it is not there' });
    },
  };
  const going = testNode(definition, 'run', { config: { program: '/x' }, calls });
  await expect(going).rejects.toMatchObject({ code: 'PROCESS_REFUSED' });
});

test('settings the contract does not know are refused', async () => {
  const shell = trial('run', { program: '/usr/bin/x', shell: true });
  await expect(shell).rejects.toMatchObject({ code: 'STEP_INPUT_INVALID' });
  const lines = trial('run-cmd', { command: 'one\ntwo' });
  await expect(lines).rejects.toMatchObject({ code: 'STEP_INPUT_INVALID' });
});

test('a script of PowerShell goes encoded, so that nothing quotes it', async () => {
  const script = 'Write-Output "ünï `$x" | Out-String';
  const { calls } = await trial('run-powershell', { script, env: { X: '$(evil)' } });
  // SAFETY: the node hands over a list of texts.
  const sent = (calls[0]?.args ?? {}) as { program: string; args: string[]; env: Json };
  const { program, args, env } = sent;
  expect(program).toBe('C:/Windows/System32/WindowsPowerShell/v1.0/powershell.exe');
  expect(args.slice(0, -1)).toEqual([
    ...['-NoLogo', '-NoProfile', '-NonInteractive', '-OutputFormat', 'Text', '-EncodedCommand'],
  ]);
  const text = Buffer.from(args.at(-1) ?? '', 'base64').toString('utf16le');
  expect(text).toBe(`$ProgressPreference='SilentlyContinue';${script}`);
  expect(env).toEqual({ X: '$(evil)' });
});

test('another PowerShell may be chosen', async () => {
  const program = '/usr/bin/pwsh';
  const { calls } = await trial('run-powershell', { script: '1', program });
  expect(calls[0]?.args).toMatchObject({ program });
});

test.for(['', 'a', 'ab', 'abc', 'abcd', '𝕊é€', '\u{0}\u{FFFF}'])(
  'base64 of %j is right',
  (text) => {
    expect(base64OfUtf16(text)).toBe(Buffer.from(text, 'utf16le').toString('base64'));
  },
);

test('a command of CMD goes in a variable, so that nothing quotes it', async () => {
  const command = 'dir "C:/a b" | find "x" & echo !NAME!';
  const { calls } = await trial('run-cmd', { command, env: { NAME: '& del x' } });
  expect(calls[0]?.args).toEqual({
    program: 'C:/Windows/System32/cmd.exe',
    args: ['/d', '/v:on', '/c', '%HUB_COMMAND%'],
    env: { NAME: '& del x', HUB_COMMAND: command },
  });
});

const listed = (pid: number, program: string | null) => ({
  ...{ pid, parent: 1, name: 'x', program, startedAt: 0 },
});

test('list gives what the hub tells', async () => {
  const processes = [listed(7, '/usr/bin/x'), listed(8, null)];
  const calls = { 'process.list.list': { processes } };
  const result = await testNode(definition, 'list', { config: { name: 'x' }, calls });
  expect(result.outputs).toEqual({ processes });
  expect(result.calls[0]?.args).toEqual({ name: 'x' });
});

test('end with a pid ends that one', async () => {
  const calls = { 'process.end.end': { ended: 3 } };
  const config = { program: '/usr/bin/x', graceMs: 10 };
  const result = await testNode(definition, 'end', { config, inputs: { pid: 7 }, calls });
  expect(result.outputs).toEqual({ ended: 3 });
  expect(result.calls.map((it) => it.args)).toEqual([{ ...config, pid: 7 }]);
});

test('end without a pid ends all that run the program, and none twice', async () => {
  let left = [
    listed(7, '/usr/bin/x'),
    listed(8, '/usr/bin/y'),
    listed(9, '/usr/bin/x'),
    listed(10, '/usr/bin/x'),
  ];
  const calls = {
    'process.list.list': () => ({ processes: left }),
    'process.end.end': ({ args }: { readonly args: Json }) => {
      // SAFETY: the node gives an object with a pid.
      const { pid } = args as { readonly pid: number };
      // Process 9 is a child of 7, and ends with it.
      left = left.filter((it) => it.pid !== pid && (pid !== 7 || it.pid !== 9));
      return { ended: pid === 7 ? 2 : 1 };
    },
  };
  const result = await testNode(definition, 'end', { config: { program: '/usr/bin/x' }, calls });
  expect(result.outputs).toEqual({ ended: 3 });
  expect(left.map((it) => it.pid)).toEqual([8]);
});
