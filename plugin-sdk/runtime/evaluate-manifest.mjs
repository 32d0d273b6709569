// Reads { code, helper } from standard input, evaluates the plugin in an isolate and prints its manifest as JSON.
// Plain JavaScript: --jitless has no WebAssembly, which Node needs to strip types.
import { text } from 'node:stream/consumers';
import ivm from 'isolated-vm';

const MEMORY_MB = 128;
const TIMEOUT_MS = 5000;

const GLOBALS = `
  globalThis.console = new Proxy({}, { get: () => () => undefined });
  globalThis.TextEncoder = class { encode(text = '') { return new Uint8Array([...String(text)].map((c) => c.charCodeAt(0) & 255)); } };
  globalThis.TextDecoder = class { decode() { return ''; } };
  globalThis.inert = new Proxy(function inert() {}, {
    get: (target, key) => (key === Symbol.toPrimitive ? () => '' : key === 'prototype' ? target.prototype : globalThis.inert),
    apply: () => globalThis.inert,
    construct: () => globalThis.inert,
  });
  globalThis.URL = globalThis.inert;
  globalThis.process = undefined;
`;

const { code, helper } = JSON.parse(await text(process.stdin));
const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MB });
const context = await isolate.createContext();
await context.eval(GLOBALS, { timeout: TIMEOUT_MS });

/** A module with the same export names as Node's own, each of them inert. */
async function stub(specifier) {
  if (!specifier.startsWith('node:'))
    throw new Error(`the plugin imports ${specifier}, which is not packed`);
  const names = Object.keys(await import(specifier)).filter((name) => name !== 'default');
  const lines = names.map(
    (name, index) => `const v${index} = inert; export { v${index} as ${JSON.stringify(name)} };`,
  );
  const module = await isolate.compileModule(`${lines.join('\n')}\nexport default inert;`);
  await module.instantiate(context, () => undefined);
  return module;
}

async function load(source, filename) {
  const module = await isolate.compileModule(source, { filename });
  const stubs = new Map();
  for (const specifier of module.dependencySpecifiers) stubs.set(specifier, await stub(specifier));
  await module.instantiate(context, (specifier) => stubs.get(specifier));
  await module.evaluate({ timeout: TIMEOUT_MS });
  return module.namespace;
}

const plugin = await load(code, 'file:///plugin.js');
const tools = await load(helper, 'file:///manifest-of.js');
await context.global.set('plugin', plugin.derefInto());
await context.global.set('tools', tools.derefInto());
const manifest = await context.eval('JSON.stringify(tools.manifestOf(plugin.default))', {
  timeout: TIMEOUT_MS,
});
process.stdout.write(String(manifest));
