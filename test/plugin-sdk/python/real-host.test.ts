import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Manifest } from '@runtime-hub/plugin-sdk/contract';
import { createLauncher, describePlugin } from '@runtime-hub/plugin-sdk/hosting';
import { parseManifest } from '@runtime-hub/plugin-sdk/artifact';
import { openBench, type Bench, until } from '../../kernel/host/host-bench.ts';

const ID = 'test/real';
const HEAD = `
import os, sys
from runtime_hub import node, plugin
plugin(id="${ID}", version="1.0.0", title="T", description="", engine="*")
`;
const ACT = `${HEAD}
@node(effect="pure", outputs={"out": {}}, config={"type": "object"})
def act(config, context):
    while config.get("do") == "spin": pass
    if config.get("do") == "call": return {"out": context.call("state", "get", {"key": "k"})}
    return {"out": config.get("value")}
`;

const launcher = createLauncher({ minIsolation: 'strong' });

/** The manifest that a text declares as plugin.py. */
async function described(source: string): Promise<Manifest> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'described-'));
  try {
    writeFileSync(path.join(folder, 'plugin.py'), source);
    return parseManifest(await describePlugin(launcher, 'python', folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function install(bench: Bench, source: string, manifest?: Manifest): Promise<void> {
  const { folder } = bench.install(ID, manifest ?? (await described(source)));
  writeFileSync(path.join(folder, 'plugin.py'), source);
}

test('the real Python host runs a step in the jail', async () => {
  await using bench = openBench({ real: true });
  await install(bench, ACT);
  expect(await bench.act(ID, { value: 7 })).toEqual({ out: 7 });
  expect(await bench.act(ID, { do: 'call' })).toEqual({ out: { key: 'k' } });
});

test('a spinning step ends the real Python host and the next one starts', async () => {
  await using bench = openBench({ real: true });
  await install(bench, ACT);
  await bench.act(ID, { value: 1 });
  const spin = bench.act(ID, { do: 'spin' }, { deadlineMs: 600 });
  // The host says so itself, unless the machine is so busy that the hub's own grace ends first.
  await expect(spin).rejects.toMatchObject({
    code: expect.stringMatching(/^(HOST_UNRESPONSIVE|STEP_TIMED_OUT)$/u),
  });
  // It has answered a moment before it ends; a run would try again.
  await until(() => bench.events.some((event) => event.type === 'host.ended'));
  expect(await bench.act(ID, { value: 2 })).toEqual({ out: 2 });
});

test.each([
  ['asks for more than was signed', { title: 'Another' }],
  ['hides a node type that was signed', { nodes: [] }],
])('a plugin that %s is not loaded', async (_how, change) => {
  await using bench = openBench({ real: true });
  await install(bench, ACT, { ...(await described(ACT)), ...change });
  await expect(bench.act(ID, {})).rejects.toMatchObject({
    code: 'HOST_LOAD_FAILED',
    data: { message: expect.stringContaining('not what its manifest says') },
  });
});

test('a plugin that says one thing when it is packed and another when it runs is not loaded', async () => {
  const source = `${HEAD}
if "HUB_BLOBS_OUT" in os.environ:
    @node(effect="external")
    def hidden(): pass
`;
  await using bench = openBench({ real: true });
  await install(bench, source);
  await expect(bench.act(ID, {})).rejects.toMatchObject({ code: 'HOST_LOAD_FAILED' });
});

test.each([
  ['raises', 'raise ValueError("bad day")', /^ValueError: bad day \(plugin\.py:1\)$/u],
  ['declares nothing', 'import os', /plugin\.py does not call plugin/u],
  ['exits', 'import sys; sys.exit(0)', /SystemExit/u],
  ['ends its process', 'import os; os._exit(0)', /its process ended while it was loaded/u],
  ['opens a socket', 'import socket; socket.socket()', /PermissionError/u],
  ['starts a program', 'import os; os.posix_spawn("/bin/sh", ["sh"], {})', /Error/u],
  ['reads the machine', 'open("/etc/passwd")', /FileNotFoundError/u],
  ['is no Python', 'this is not', /SyntaxError/u],
  ['sends frames', 'import os; os.write(3, b"\\xff\\xff\\xff\\xff")', /4294967295 bytes/u],
  [
    'calls the hub',
    `import json, os
body = json.dumps({"t": "call", "id": 1, "within": 1, "capability": "state", "operation": "get", "args": {}}).encode()
os.write(3, len(body).to_bytes(4, "little") + body)`,
    /a call while it was loaded/u,
  ],
  ['is asynchronous', `${HEAD}\n@node(effect="pure")\nasync def act(): pass`, /a plain function/u],
  [
    'has a schema nobody would check',
    `${HEAD}\n@node(effect="pure", outputs={"o": {"unevaluatedItems": False}})\ndef act(): pass`,
    /unevaluatedItems is not supported/u,
  ],
  [
    'has a pattern that is not Python’s too',
    `${HEAD}\n@node(effect="pure", outputs={"o": {"pattern": "^\\\\p{L}$"}})\ndef act(): pass`,
    /is not one of Python's too/u,
  ],
])('a plugin.py that %s describes nothing', async (_how, source, message) => {
  await expect(described(source)).rejects.toMatchObject({
    code: 'HOST_LOAD_FAILED',
    data: { message: expect.stringMatching(message) },
  });
});

test('what a plugin.py claims to be is checked like any manifest', async () => {
  const source = HEAD.replace(
    'description=""',
    'description="", permissions=[{"capability": "all"}]',
  );
  await expect(described(source)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
});
