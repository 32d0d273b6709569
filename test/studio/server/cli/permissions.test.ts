import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { pluginId, type AuditRecord, type Grant } from '@runtime-hub/plugin-sdk/contract';
import { beforeAll, expect, test, vi } from 'vitest';
import { auditCommand } from '../../../../studio/server/cli/audit.ts';
import type { Command } from '../../../../studio/server/cli/output.ts';
import { permissionsCommand } from '../../../../studio/server/cli/permissions.ts';
import { runCommand } from '../../../../studio/server/cli/run.ts';
import { buildRuntime } from '../../../../plugin-sdk/runtime/build.ts';
import { chainOf, openFlowHub } from '../../../support/hub.ts';
import { dataFolder } from '../audit/folders.ts';

beforeAll(buildRuntime);

const FLOW = 'core/flow';
const WHY = 'Asked\u202E by \u001B[31mAda\n“today”';
const SHOWN = 'Asked⟨U+202E⟩ by ⟨U+001B⟩[31mAda⟨U+000A⟩⟨U+201C⟩today⟨U+201D⟩';

/** What a command prints on a data folder. */
async function said(command: Command, folder: string, ...args: readonly string[]): Promise<string> {
  const printed = vi.spyOn(console, 'log').mockReturnValue();
  try {
    expect(await command.run([...args, '--data', folder])).toBe(0);
    return printed.mock.calls.map(([text]) => String(text)).join('\n');
  } finally {
    printed.mockRestore();
  }
}

/** The one line about what was decided. */
const lineOf = (text: string, word: string): string =>
  text.split('\n').find((line) => line.includes(word)) ?? '';

/** A data folder in which core/flow was installed, asks for `state` and has it. */
async function flowFolder(): Promise<ReturnType<typeof dataFolder>> {
  const folder = dataFolder();
  const hub = await openFlowHub(folder.path);
  await hub[Symbol.asyncDispose]();
  return folder;
}

test('a decision’s workspace and reason are listed, with nothing hidden in them, and kept in the audit', async () => {
  using folder = await flowFolder();
  const where = ['--workspace', 'finance', '--reason', WHY];
  await said(permissionsCommand, folder.path, 'approve', FLOW, ...where);
  const listed = await said(permissionsCommand, folder.path, 'list');
  expect(lineOf(listed, 'finance')).toMatch(/^granted +core\/flow +state:\* +finance /u);
  expect(lineOf(listed, 'finance').endsWith(SHOWN)).toBe(true);
  expect(listed.split('\n').filter((line) => / \* +test /u.test(line))).toHaveLength(1);
  // SAFETY: the hub's own API.
  const { grants } = JSON.parse(await said(permissionsCommand, folder.path, 'list', '--json')) as {
    grants: Grant[];
  };
  expect(grants).toMatchObject([
    { workspace: null, reason: null, by: 'test' },
    { workspace: 'finance', reason: WHY },
  ]);
  const audit = await said(auditCommand, folder.path, 'list', '--decision', 'granted', '--limit=1');
  expect(lineOf(audit, 'finance').endsWith(`finance    ${SHOWN}`)).toBe(true);
  // SAFETY: the same.
  const { records } = JSON.parse(await said(auditCommand, folder.path, 'list', '--json')) as {
    records: AuditRecord[];
  };
  expect(records.find((it) => it.workspace === 'finance')?.reason).toBe(WHY);
});

test('a reason has 500 characters at most, and at least one', async () => {
  using folder = await flowFolder();
  const approve = async (reason: string) =>
    await said(permissionsCommand, folder.path, 'approve', FLOW, `--reason=${reason}`);
  for (const reason of ['', 'x'.repeat(501)])
    await expect(approve(reason)).rejects.toMatchObject({
      code: 'HUB_REQUEST_INVALID',
      data: { field: '/reason' },
    });
  expect(lineOf(await approve('x'.repeat(500)), 'granted')).toContain('x'.repeat(500));
});

test('hub run --workspace names the workspace of the run', async () => {
  using folder = await flowFolder();
  const file = join(folder.path, 'one.json');
  const workflow = chainOf(1, () => ({ type: 'core/flow:set', config: { value: 1 } }));
  writeFileSync(file, JSON.stringify(workflow));
  const events = await said(runCommand, folder.path, file, '--workspace', 'finance', '--json');
  const started = JSON.parse(events.split('\n')[0] ?? '') as { readonly run: string };
  await said(runCommand, folder.path, file);
  const hub = await openFlowHub(folder.path);
  const all = hub.store.runs.list({ limit: 9 }).map(({ id }) => hub.store.runs.get(id)?.record);
  await hub[Symbol.asyncDispose]();
  expect(all.map((it) => [it?.id === started.run, it?.workspace])).toEqual([
    [false, 'default'],
    [true, 'finance'],
  ]);
});

test('grants and runs of a hub that knew no workspaces hold everywhere, and belong to the default one', async () => {
  using folder = await flowFolder();
  {
    const hub = await openFlowHub(folder.path);
    const chain = chainOf(1, () => ({ type: 'core/flow:set', config: { value: 1 } }));
    await (
      await hub.engine.start(chain)
    ).finished;
    await hub[Symbol.asyncDispose]();
  }
  strip(join(folder.path, 'grants.sqlite'), 'grants', 'grant_json', ['workspace', 'reason']);
  strip(join(folder.path, 'journal.sqlite'), 'runs', 'record', ['workspace']);
  const hub = await openFlowHub(folder.path);
  const [grant] = hub.broker.list();
  expect(grant).toMatchObject({ status: 'granted', workspace: null, reason: null });
  const uses = { plugin: pluginId(FLOW), nodeType: { uses: ['state' as const] } };
  for (const workspace of ['default', 'finance'])
    expect(hub.broker.missing(uses, workspace)).toEqual([]);
  const [row] = hub.store.runs.list({ limit: 1 });
  expect(row && hub.store.runs.get(row.id)?.record.workspace).toBe('default');
  await hub[Symbol.asyncDispose]();
});

/** Takes fields out of the JSON of a column. */
function strip(file: string, table: string, column: string, fields: readonly string[]): void {
  const db = new Database(file);
  const paths = fields.map((field) => `'$.${field}'`).join(', ');
  const { changes } = db
    .prepare(`UPDATE ${table} SET ${column} = json_remove(${column}, ${paths})`)
    .run();
  db.close();
  expect(changes).toBeGreaterThan(0);
}
