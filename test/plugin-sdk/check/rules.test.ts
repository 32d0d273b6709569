import { RULES } from '@runtime-hub/plugin-sdk/check';
import { expect, test } from 'vitest';
import { CALL, HTTP, findingsIn, manifestWith, nodeWith, type Parts } from './pack-parts.ts';

interface Case extends Parts {
  /** Where the finding must be: `file:line`, or `file`. */
  readonly at: string;
}

type Change = NonNullable<Parts['manifest']>;
const permission = (more: object): Change => ({ permissions: [{ ...HTTP, ...more }] });
const node = (more: Readonly<Record<string, unknown>>): Change => ({
  nodes: [nodeWith(more)],
});
const noise = (length: number): string => {
  // A linear congruential generator: the same on every run, and as even as random.
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return digits[Math.floor(state / 65_536) % 64];
  }).join('');
};
const python = (code: string): Parts => ({
  manifest: { runtime: 'python', entry: 'plugin.py' },
  files: { 'plugin.js': null, 'plugin.py': `context.call("net.http", "request", {})\n${code}` },
});
const svg = (inside: string): Parts => ({
  files: { 'icon.svg': `<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>` },
});
const former = (more: Readonly<Record<string, unknown>> = {}) => ({
  former: manifestWith({ version: '1.0.0', ...more }),
});
const next = { version: '1.1.0' };

/** At least one pack that breaks each rule, and where. */
const BROKEN: Readonly<Record<string, readonly Case[]>> = {
  'secret-file': [
    { at: '.env', files: { '.env': 'A=1' } },
    { at: 'lib/.env.production', files: { 'lib/.env.production': 'A=1' } },
    { at: 'keys/signing.PEM', files: { 'keys/signing.PEM': 'x' } },
    { at: 'id_ed25519', files: { id_ed25519: 'x' } },
  ],
  'secret-text': [
    { at: 'plugin.js:2', code: `${CALL}const key = 'AKIAABCDEFGHIJKLMNOP';` },
    { at: 'plugin.js:2', code: `${CALL}const key = 'ghp_${'a1B2'.repeat(9)}';` },
    {
      at: 'README.md:1',
      files: { 'README.md': `-----BEGIN PRIVATE KEY-----\n${'MIIE'.repeat(8)}` },
    },
    { at: 'plugin.js:2', code: `${CALL}fetchFrom('postgres://admin:hunter2@db.example.com/x');` },
  ],
  'file-hidden': [{ at: '.cache/x', files: { '.cache/x': '' } }],
  'install-remnant': [
    { at: 'install.sh', files: { 'install.sh': '#!/bin/sh' } },
    { at: 'package.json:2', files: { 'package.json': '{"scripts": {\n"postinstall": "x"}}' } },
  ],
  'native-in-isolate': [
    { at: 'lib/a.bin', files: { 'lib/a.bin': Buffer.from('7f454c4602010100', 'hex') } },
    { at: 'a.txt', files: { 'a.txt': Buffer.from('4d5a9000', 'hex') } },
  ],
  'native-code': [
    {
      at: 'lib/a.node',
      manifest: { runtime: 'process' },
      files: { 'lib/a.node': Buffer.from('cffaedfe', 'hex') },
    },
    {
      at: 'helpers.pyc',
      manifest: { runtime: 'python' },
      files: { 'helpers.pyc': 'x' },
    },
  ],
  'wasm-in-isolate': [
    { at: 'a.wasm', files: { 'a.wasm': Buffer.from('0061736d01000000', 'hex') } },
  ],
  'file-large': [{ at: 'data.bin', files: { 'data.bin': Buffer.alloc(5 * 1024 * 1024) } }],
  'text-unscanned': [
    {
      at: 'c.txt',
      files: { 'a.txt': 'a'.repeat(9e6), 'b.txt': 'b'.repeat(7e6), 'c.txt': 'c'.repeat(2e6) },
    },
    { at: 'a.mjs', files: { 'a.mjs': `${CALL}// \0` } },
    { at: 'a.mjs', files: { 'a.mjs': Buffer.from([0x2f, 0x2f, 0xff]) } },
    {
      at: 'b.cjs',
      files: { 'a.mjs': `/*${'a'.repeat(5e6)}*/`, 'b.cjs': `/*${'b'.repeat(5e6)}*/` },
    },
  ],
  'text-direction': [{ at: 'plugin.js:2', code: `${CALL}// \u202E } ⁦if (isAdmin)` }],
  'code-unreadable': [
    { at: 'plugin.js:2', code: `${CALL}function {` },
    { at: 'plugin.js', code: `${CALL}x = ${'['.repeat(60_000)}` },
    { at: 'plugin.js', code: ';'.repeat(4_000_000) },
  ],
  'code-eval': [
    { at: 'plugin.js:2', code: `${CALL}eval('1')` },
    { at: 'plugin.js:2', code: `${CALL}(0, eval)('1')` },
    { at: 'plugin.js:2', code: `${CALL}globalThis['eval']('1')` },
    { at: 'plugin.js:2', code: `${CALL}new Function('a', 'return a')` },
    { at: 'plugin.js:2', code: `${CALL}setTimeout('go()', 1)` },
    { at: 'plugin.js:2', code: `${CALL}const make = (() => 0).constructor; make('return 1')()` },
  ],
  'code-computed-import': [{ at: 'plugin.js:2', code: `${CALL}const m = await import(name)` }],
  'code-import-missing': [
    { at: 'plugin.js:2', code: `${CALL}import 'left-pad'` },
    { at: 'plugin.js:2', code: `${CALL}import fs from 'node:fs'` },
    {
      at: 'plugin.js:2',
      code: `${CALL}require('./picture.dat')`,
      files: { 'picture.dat': 'x' },
    },
    { at: 'plugin.js:2', code: `${CALL}import './absent.js'` },
    { at: 'plugin.js:2', code: `${CALL}import 'data:text/javascript,1'` },
  ],
  'code-power': [
    {
      at: 'plugin.js:2',
      manifest: { runtime: 'process' },
      code: `${CALL}import net from 'node:net'`,
    },
    {
      at: 'plugin.js:2',
      manifest: { runtime: 'process' },
      code: `${CALL}await import('child_process')`,
    },
  ],
  'code-global': [{ at: 'plugin.js:2', code: `${CALL}fetch('https://api.example.com')` }],
  'code-obfuscated': [
    {
      at: 'plugin.js',
      code: `${CALL}${Array.from({ length: 30 }, (_, it) => `var _0x${(it + 4096).toString(16)} = ${String(it)};`).join('')}`,
    },
    { at: 'plugin.js', code: `${CALL}${'a(b,c);'.repeat(400)}` },
  ],
  'code-long-line': [{ at: 'plugin.js:2', code: `${CALL}var a = [${'1,'.repeat(2100)}]` }],
  'code-blob': [
    { at: 'plugin.js:2', code: `${CALL}var a = '${noise(1500)}'` },
    { at: 'plugin.js:2', code: `${CALL}var a = '${'0f1e'.repeat(300)}'` },
  ],
  'python-eval': [
    { at: 'plugin.py:2', ...python('eval("1")') },
    { at: 'plugin.py:2', ...python('__import__("os")') },
  ],
  'python-power': [{ at: 'plugin.py:2', ...python('import socket') }],
  'permission-missing': [
    { at: 'plugin.js:1', manifest: { permissions: [] }, code: CALL },
    { at: 'plugin.js:2', code: `${CALL}await context.state.get('x')` },
    { at: 'plugin.js:2', code: `${CALL}await step.context.blobs.write(bytes, 'image/png')` },
    {
      at: 'plugin.js:2',
      code: `${CALL}class A { go() { return this.#context.call('clock', 'now', {}) } #context }`,
    },
  ],
  'permission-unused': [{ at: 'manifest.json', code: 'export default {};' }],
  'permission-computed': [{ at: 'plugin.js:2', code: `${CALL}context.call(name, 'request', {})` }],
  'permission-wide': [
    { at: 'manifest.json', manifest: permission({ target: '*' }) },
    { at: 'manifest.json', manifest: permission({ target: '*.com' }) },
    { at: 'manifest.json', manifest: permission({ target: 'http://*:8080' }) },
    { at: 'manifest.json', manifest: permission({ capability: 'fs.read', target: '~/**' }) },
    { at: 'manifest.json', manifest: permission({ capability: 'fs.write', target: '/home/**' }) },
    {
      at: 'manifest.json',
      manifest: permission({ capability: 'screen.capture', target: 'window=*' }),
    },
    {
      at: 'manifest.json',
      manifest: permission({ capability: 'secrets.use', target: 'key@*.com' }),
    },
  ],
  'permission-reason': [
    { at: 'manifest.json', manifest: permission({ reason: 'needed' }) },
    { at: 'manifest.json', manifest: permission({ reason: '                ' }) },
  ],
  'text-hidden': [
    {
      at: 'manifest.json',
      manifest: permission({ reason: 'Reads moc.elpmaxe\u202E and nothing else.' }),
    },
    { at: 'manifest.json', manifest: { title: 'Rates\u200B' } },
    { at: 'manifest.json', manifest: node({ title: 'Read\u0007' }) },
  ],
  'text-markup': [
    {
      at: 'manifest.json',
      manifest: permission({ reason: 'Reads <b>rates</b> for your workflow.' }),
    },
    { at: 'manifest.json', manifest: { description: 'See https://evil.example' } },
    { at: 'manifest.json', manifest: { title: 'Rates&#60;script' } },
  ],
  'text-claim': [
    { at: 'manifest.json', manifest: { description: 'The official reader of rates.' } },
  ],
  'name-look-alike': [
    { at: 'manifest.json', manifest: { id: 'c0re/http' } },
    {
      at: 'manifest.json',
      manifest: { id: 'acrne/rates' },
      surroundings: { knownIds: ['acme/rates'] },
    },
    {
      at: 'manifest.json',
      manifest: { id: 'contosso/rates' },
      surroundings: { knownIds: ['contoso/rates'] },
    },
  ],
  'engine-open': [{ at: 'manifest.json', manifest: { engine: '>=1.0.0' } }],
  'runtime-driver': [{ at: 'manifest.json', manifest: { runtime: 'driver' } }],
  'effect-too-weak': [
    { at: 'manifest.json', manifest: node({ effect: 'pure' }) },
    {
      at: 'plugin.js:1',
      code: "defineNode({ effect: 'idempotent', run: ({ context }) => context.call('net.http', 'request', { method: 'POST' }) });",
    },
    {
      at: 'plugin.js:2',
      code: `${CALL}defineNode({ effect: 'pure', run({ context }) { return ask(() => { ${CALL.trim()} }) } });`,
    },
  ],
  'effect-doubtful': [
    {
      at: 'manifest.json',
      manifest: {
        nodes: [nodeWith({ effect: 'pure', uses: [] })],
        permissions: [{ ...HTTP, capability: 'fs.write', target: '~/rates/*' }],
      },
    },
  ],
  'output-untyped': [{ at: 'manifest.json', manifest: node({ outputs: { rate: {} } }) }],
  'output-missing': [
    { at: 'manifest.json', manifest: node({ effect: 'pure', uses: [], outputs: {} }) },
  ],
  'config-open': [{ at: 'manifest.json', manifest: node({ config: { type: 'object' } }) }],
  'timeout-extreme': [
    { at: 'manifest.json', manifest: node({ timeoutMs: 86_400_000 }) },
    { at: 'manifest.json', manifest: node({ timeoutMs: 1 }) },
  ],
  'node-missing': [{ at: 'manifest.json', manifest: { nodes: [] } }],
  'version-not-higher': [
    { at: 'manifest.json', surroundings: former() },
    { at: 'manifest.json', surroundings: former({ version: '1.0.1' }) },
    { at: 'manifest.json', manifest: { version: '1.0.0-beta.1' }, surroundings: former() },
  ],
  'node-removed': [
    {
      at: 'manifest.json',
      manifest: { ...next, ...node({ type: 'fetch' }) },
      surroundings: former(),
    },
  ],
  'ports-changed': [
    {
      at: 'manifest.json',
      manifest: { ...next, ...node({ outputs: {} }) },
      surroundings: former(),
    },
    {
      at: 'manifest.json',
      manifest: { ...next, ...node({ inputs: { day: { type: 'string' } } }) },
      surroundings: former(),
    },
    {
      at: 'manifest.json',
      manifest: {
        ...next,
        ...node({ config: { type: 'object', required: ['day'], additionalProperties: false } }),
      },
      surroundings: former(),
    },
  ],
  'readme-missing': [
    { at: 'README.md', files: { 'README.md': null } },
    { at: 'README.md', files: { 'README.md': ' \n' } },
  ],
  'readme-short': [{ at: 'README.md', files: { 'README.md': '# Rates' } }],
  'readme-remote-image': [
    {
      at: 'README.md:3',
      files: { 'README.md': `${'Rates. '.repeat(20)}\n\n![x](https://track.example/p.png)` },
    },
    { at: 'README.md:2', files: { 'README.md': `${'Rates. '.repeat(20)}\n<img width=1 src=x>` } },
  ],
  'template-text': [
    { at: 'README.md:2', files: { 'README.md': `${'Rates. '.repeat(20)}\nTODO: say more` } },
  ],
  'license-missing': [{ at: 'LICENSE', files: { LICENSE: null } }],
  'icon-missing': [{ at: 'icon.svg', files: { 'icon.svg': null } }],
  'icon-large': [{ at: 'icon.svg', ...svg(`<!--${'x'.repeat(70_000)}-->`) }],
  'svg-active': [
    { at: 'icon.svg:1', ...svg('<script>alert(1)</script>') },
    { at: 'icon.svg:1', ...svg('<svg:script/>') },
    { at: 'icon.svg:1', ...svg('<rect\nonload="alert(1)"/>') },
    { at: 'icon.svg:1', ...svg('<a href="javascript:alert(1)"/>') },
    { at: 'icon.svg:1', ...svg('<a href="&#106;avascript:alert(1)"/>') },
    { at: 'icon.svg:1', ...svg('<image href="https://track.example/p.png"/>') },
    { at: 'icon.svg:1', ...svg('<style>rect { fill: url(//track.example/p) }</style>') },
    { at: 'icon.svg:1', ...svg('<foreignObject><p/></foreignObject>') },
    { at: 'icon.svg:1', ...svg('<set attributeName="href" to="x"/>') },
    { at: 'icon.svg:1', files: { 'icon.svg': '<!DOCTYPE svg [<!ENTITY x "y">]><svg/>' } },
    { at: 'other.svg', files: { 'other.svg': Buffer.from([0x1f, 0x8b, 0xff, 0xfe]) } },
  ],
};

test('a clean pack is found clean', () => {
  expect(findingsIn()).toEqual([]);
  expect(findingsIn({ ...python('') })).toEqual([]);
  expect(findingsIn({ manifest: next, surroundings: former() })).toEqual([]);
});

test('every rule has a pack here that breaks it', () => {
  expect(Object.keys(BROKEN).sort()).toEqual(RULES.map((it) => it.id).sort());
});

test.each(
  Object.entries(BROKEN).flatMap(([rule, cases]) =>
    cases.map((it, at) => [rule, at + 1, it] as const),
  ),
)('%s, pack %i, is found where it is', (rule, _at, broken) => {
  const found = findingsIn(broken).filter((it) => it.rule === rule);
  const places = found.map(
    ({ file, line }) => `${String(file)}${line === null ? '' : `:${String(line)}`}`,
  );
  expect(places.length, JSON.stringify(findingsIn(broken))).toBeGreaterThan(0);
  // The place may be the line that the finding begins in.
  expect(
    places.some(
      (it) => it === broken.at || broken.at.startsWith(`${it}:`) || it.startsWith(`${broken.at}:`),
    ),
  ).toBe(true);
  const { severity, cure } = RULES.find((it) => it.id === rule) ?? {};
  for (const finding of found) expect(finding).toMatchObject({ severity, cure });
});

test('rules have distinct names, a line of reasons and a cure', () => {
  expect(new Set(RULES.map((it) => it.id)).size).toBe(RULES.length);
  for (const { id, doc, cure } of RULES) {
    expect(id).toMatch(/^[a-z][a-z0-9-]{1,62}$/u);
    expect(doc).toMatch(/^\p{Lu}.{10,200}\.$/u);
    expect(cure.length).toBeGreaterThan(8);
  }
});
