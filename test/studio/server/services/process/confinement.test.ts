import { realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  examinePrograms,
  findConfinement,
  planCommand,
} from '../../../../../studio/server/services/process/confinement.ts';
import { openStage, temporaryFolder, writeProgram } from './process-stage.ts';

const COMMAND = { file: '/usr/bin/x', args: ['a b', '--'] };

test('this machine holds programs together in pid namespaces, and says so', async () => {
  expect(await examinePrograms()).toEqual({
    check: 'programs',
    ok: true,
    optional: true,
    detail: 'a program ends with all it started: each has its own pid namespace',
    cure: expect.stringContaining('bubblewrap'),
  });
});

test('where there is no bubblewrap a process group has to do, and it is said why', async () => {
  const found = await findConfinement('/nowhere');
  expect(found).toMatchObject({ kind: 'group', why: 'bubblewrap was not found', prlimit: null });
  const finding = await examinePrograms('/nowhere');
  expect(finding).toMatchObject({ ok: false, optional: true });
  expect(finding.detail).toContain('since bubblewrap was not found');
});

test('where bubblewrap does not work a process group has to do', async (context) => {
  const folder = temporaryFolder(context);
  writeProgram(join(folder, 'bwrap'), '#!/bin/sh\nexit 1\n');
  for (const it of ['prlimit', 'nice', 'sh']) symlinkSync(`/usr/bin/${it}`, join(folder, it));
  const found = await findConfinement(folder);
  expect(found).toMatchObject({
    kind: 'group',
    why: 'bubblewrap cannot make a pid namespace here',
  });
  const stage = openStage({ confinement: found });
  expect(await stage.sh('echo works')).toMatchObject({ stdout: 'works\n', exitCode: 0 });
});

test('without any helper a program still runs, and ends with its group', async () => {
  const stage = openStage({ confinement: await findConfinement('/nowhere') });
  const result = await stage.sh('sleep 600 & echo works; exit 2');
  expect(result).toMatchObject({ stdout: 'works\n', exitCode: 2 });
});

test('a program comes last in its command, with its arguments as they are', async () => {
  const { args } = await planCommand(await findConfinement(), COMMAND, '/tmp', 5);
  expect(args.slice(-3)).toEqual(['/usr/bin/x', 'a b', '--']);
  expect(args[args.indexOf('--chdir') + 1]).toBe('/tmp');
});

test('on Windows nothing stands before the program', async () => {
  const tree = { kind: 'tree', prlimit: null, nice: null, files: [] } as const;
  expect(await planCommand(tree, COMMAND, 'C:/', 5)).toEqual(COMMAND);
});

test('what confines is found as real files', async () => {
  const { files } = await findConfinement();
  expect(files).toEqual(files.map((it) => realpathSync(it)));
  expect(files.length).toBeGreaterThanOrEqual(2);
});
