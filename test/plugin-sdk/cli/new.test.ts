import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeAuthor } from './author.ts';

const ROOT = join(import.meta.dirname, '../../..');
const author = makeAuthor();
afterAll(() => author[Symbol.dispose]());

/** In a network namespace of its own, where there is not even a loopback. */
const offline = (folder: string, ...command: readonly string[]): string =>
  execFileSync('bwrap', ['--dev-bind', '/', '/', '--unshare-net', '--chdir', folder, ...command], {
    encoding: 'utf8',
    env: { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) },
  });

test.each(['isolate', 'process', 'python'])(
  'a new %s plugin tests, checks and packs at once, without a network',
  async (template) => {
    const made = await author.json([
      'new',
      `my-${template}`,
      '--template',
      template,
      '--id',
      `acme/my-${template}`,
    ]);
    expect(made).toMatchObject({ id: `acme/my-${template}`, template });
    const folder = join(author.folder, `my-${template}`);
    expect(offline(folder, 'npm', 'test')).toMatch(/pass 2|Ran 2 tests|^$/mu);
    const found = await author.json(['check'], { in: `my-${template}` });
    expect(found).toEqual({ id: `acme/my-${template}`, version: '1.0.0', findings: [] });
    const packed = await author.json(['pack'], { in: `my-${template}` });
    const paths = (packed['files'] as { path: string }[]).map((it) => it.path);
    const entry = template === 'python' ? 'plugin.py' : 'plugin.js';
    expect(paths).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'icon.svg',
      'manifest.json',
      entry,
    ]);
  },
  120_000,
);

test('the types of a new plugin hold, and a wrong config does not compile', () => {
  const folder = join(author.folder, 'my-isolate');
  const tsc = join(folder, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', folder]);
  const plugin = join(folder, 'plugin.ts');
  const text = readFileSync(plugin, 'utf8');
  writeFileSync(plugin, text.replace('config.greeting', 'config.greetings'));
  expect(() => execFileSync(process.execPath, [tsc, '-p', folder], { stdio: 'pipe' })).toThrow();
  writeFileSync(plugin, text);
}, 60_000);

test('a plugin is packed to the same bytes from anywhere, with no path of this machine in it', async () => {
  const here = await author.json(['pack'], { in: 'my-process' });
  const there = await author.json(['pack', join(author.folder, 'my-process')], {
    in: 'my-isolate',
  });
  expect(there['digest']).toBe(here['digest']);
  const code = execFileSync('tar', ['xzOf', String(here['file']), 'package/plugin.js'], {
    encoding: 'utf8',
  });
  expect(code).toContain('// plugin.ts');
  expect(code).toContain('// plugin-sdk/author/define.ts');
  for (const place of [author.folder, ROOT, '../']) expect(code).not.toContain(place);
}, 60_000);

test('what the author has not written for others stays outside of the pack', async () => {
  mkdirSync(join(author.folder, 'my-python/dist'), { recursive: true });
  for (const name of ['.env', 'notes.txt', 'dist/old.py', 'test/test_more.py', 'id_rsa'])
    writeFileSync(join(author.folder, 'my-python', name), 'SECRET = 1\n');
  const packed = await author.json(['pack'], { in: 'my-python' });
  expect(packed['files']).toHaveLength(6);
}, 60_000);

test('it asks nothing: the name is the folder’s, the namespace that of the newest key', async () => {
  await author.json(['keys', 'new', 'globex']);
  expect(await author.json(['new', 'My Tools 2'])).toMatchObject({ id: 'globex/my-tools-2' });
}, 60_000);

test.each([
  ['a folder that is not empty', ['new', 'my-isolate']],
  ['an unknown template', ['new', 'other', '--template', 'ruby']],
  ['an id of another form', ['new', 'other', '--id', 'Acme/Hello']],
  ['an unknown option', ['new', 'other', '--force']],
  ['a folder without a plugin', ['pack', 'keys']],
  ['an unknown action', ['keys', 'burn']],
])('%s is refused, and nothing is made', async (_what, args) => {
  const before = readdirSync(author.folder);
  expect(await author.refusal(args)).toEqual({ code: 'HUB_REQUEST_INVALID', exit: 2 });
  expect(readdirSync(author.folder)).toEqual(before);
});

test('a failing test fails the command; a plugin without tests is told so', async () => {
  author.edit('my-isolate/test/plugin.test.ts', (it) => it.replace('Hello, Ada!', 'Bye'));
  expect((await author.run(['test'], { in: 'my-isolate' })).code).toBe(1);
  expect(
    await author
      .json(['test', '--', '--test-name-pattern', 'counts'], { in: 'my-process' })
      .catch(() => null),
  ).toBeNull();
  mkdirSync(join(author.folder, 'bare'));
  writeFileSync(join(author.folder, 'bare/plugin.ts'), '');
  expect(await author.refusal(['test'], { in: 'bare' })).toEqual({
    code: 'HUB_REQUEST_INVALID',
    exit: 2,
  });
}, 60_000);

test('a plugin that does not build is told file, line and column', async () => {
  author.edit('my-isolate/plugin.ts', (it) => `${it}\nimport './absent.ts';\nconst = 1;\n`);
  const { err, code } = await author.run(['check'], { in: 'my-isolate' });
  expect(code).toBe(1);
  expect(err).toMatch(/ARTIFACT_BUILD_FAILED[\s\S]*plugin\.ts:\d+:7: Expected identifier/u);
}, 60_000);

test('every command tells what it does, and an unknown one is a usage error', async () => {
  const { out } = await author.run(['--help']);
  const names = [...out.matchAll(/^ {2}([a-z]+) {2,}\S/gmu)].map((it) => it[1] ?? '');
  expect(names.length).toBeGreaterThan(10);
  const helps = await Promise.all(names.map(async (name) => await author.run([name, '--help'])));
  for (const [index, help] of helps.entries()) {
    expect(help.code).toBe(0);
    expect(help.out).toContain(`hub-plugin ${names[index] ?? ''}`);
  }
  expect((await author.run(['burn'])).code).toBe(2);
}, 60_000);
