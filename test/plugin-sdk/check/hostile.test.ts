import { Finding } from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';
import { Check } from 'typebox/value';
import { expect, test } from 'vitest';
import { CALL, HTTP, findingsIn, nodeWith, type Parts } from './pack-parts.ts';

const rulesIn = (parts: Parts): readonly string[] => findingsIn(parts).map((it) => it.rule);

test('a secret that is found is in no message', () => {
  const secret = `ghp_${'x9Y8'.repeat(9)}`;
  const findings = findingsIn({ code: `${CALL}const token = '${secret}';` });
  expect(findings.map((it) => it.rule)).toContain('secret-text');
  expect(JSON.stringify(findings)).not.toContain(secret);
});

test('texts of an author can’t hide in a message or break its line', () => {
  const findings = findingsIn({
    code: `${CALL}import '\u202Egnp.exe\\n\\u0007'`,
    manifest: { nodes: [nodeWith({ type: 'read', outputs: { ['x\n\u202E']: {} } })] },
  });
  expect(findings.length).toBeGreaterThan(1);
  for (const { message } of findings) expect(message).not.toMatch(/[\p{C}\u2028\u2029]/u);
});

test('a thousand breaks of a rule are told as twenty, and that there are more', () => {
  const findings = findingsIn({ code: CALL + 'eval(x);\n'.repeat(1000) });
  const evals = findings.filter((it) => it.rule === 'code-eval');
  expect(evals).toHaveLength(21);
  expect(evals.at(-1)?.message).toBe('and more like these');
});

test.each([
  ['nested arrays', `x = ${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ['nested calls', `x${'(a'.repeat(50_000)}${')'.repeat(50_000)}`],
  ['a long sum', `x = ${'1+'.repeat(100_000)}1`],
  ['nested templates', '`${'.repeat(5000)],
  ['one line of three megabytes', `var a = "${'b'.repeat(3_000_000)}"`],
  ['quotes without end', '"'.repeat(200_000)],
  ['escapes', '\\x41'.repeat(200_000)],
  ['paths', '// a/b.ts\n'.repeat(50_000)],
  ['addresses', 'a://a:'.repeat(100_000)],
  ['tokens', 'eyJ.eyJ'.repeat(100_000)],
  ['keys', '-----BEGIN '.repeat(50_000)],
  ['tokens in one word', 'eyJ-'.repeat(500_000)],
  ['Python texts without end', '\\"""'.repeat(500_000)],
  ['an address after many spaces', `url(${' '.repeat(2_000_000)}`],
  ['an attribute after many spaces', `href=${' '.repeat(2_000_000)}`],
  ['pictures without end', '<img '.repeat(400_000)],
  ['animations without end', '<set '.repeat(400_000)],
  ['one object of many calls', `x = {${"a: context.call('clock', 'now', {}),".repeat(30_000)}}`],
  ['many evals', 'eval(a);\n'.repeat(100_000)],
  ['many imports', "import('./a.js');\n".repeat(100_000)],
])('%s are looked at in time, and nothing is thrown', (_what, code) => {
  // Of the processor, which others may be using too.
  const started = process.cpuUsage();
  const files = { 'README.md': code, 'icon.svg': code, 'more.py': code };
  for (const finding of findingsIn({ code, files })) expect(Check(Finding, finding)).toBe(true);
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1000).toBeLessThan(6000);
});

test('whatever bytes a pack holds, each finding fits the contract', () => {
  const names = fc.constantFrom(
    'plugin.js',
    'README.md',
    'icon.svg',
    'a.py',
    'package.json',
    'x.mjs',
  );
  const content = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.dictionary(names, content), (files) => {
      for (const finding of findingsIn({ files })) if (!Check(Finding, finding)) return false;
      return true;
    }),
    { numRuns: 300 },
  );
});

test('what is only text or a name is no use: comments, strings, other objects', () => {
  const code = [
    CALL,
    "// context.state.get('x'); eval('1')",
    "const text = 'eval(1); fetch(2)';",
    'const other = { state: { get() {} }, eval() {} };',
    'other.state.get(); other.eval();',
    "function log() {} log.call('log', 'a', 'b');",
    "const fetch = () => 0; fetch('x');",
    "if (typeof process !== 'undefined') other.exit = process.exit;",
  ].join('\n');
  expect(rulesIn({ code })).toEqual([]);
});

test('Python in strings and comments is no code', () => {
  const plugin =
    'context.call("net.http", "request", {})\n"""\nimport socket\neval(1)\n"""\n# import ctypes\nx = \'eval(\'';
  const files = { 'plugin.js': null, 'plugin.py': plugin };
  expect(rulesIn({ manifest: { runtime: 'python' }, files })).toEqual([]);
});

test('a permission counts as used through a secret in a request', () => {
  const secret = { ...HTTP, capability: 'secrets.use', target: 'api-key@api.example.com' };
  const code = `${CALL}const headers = { authorization: { $secret: 'api-key' } };`;
  expect(rulesIn({ code, manifest: { permissions: [HTTP, secret] } })).toEqual([]);
  expect(rulesIn({ manifest: { permissions: [HTTP, secret] } })).toEqual(['permission-unused']);
});

test('a finding in a bundle names the author’s own file', () => {
  const code = `// nodes/get.ts\n${CALL}\n// node_modules/x/index.js\neval('1');\n`;
  expect(findingsIn({ code }).find((it) => it.rule === 'code-eval')).toMatchObject({
    line: 5,
    message: 'runs eval (from node_modules/x/index.js)',
  });
});
