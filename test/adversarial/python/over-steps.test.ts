import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pluginId, runId, type JsonObject } from '@runtime-hub/plugin-sdk/contract';
import { packPlugin } from '@runtime-hub/plugin-sdk/cli';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openHub, type Hub } from '../../../studio/server/hub.ts';
import { signWithDeveloperKey } from '../../../studio/server/store/keys.ts';
import { temporaryFolder } from '../../support/hub.ts';
import { applyPolicy } from '../../support/trust.ts';

const ID = pluginId('hostile/over-steps');
const SOURCE = `
import os, sys, threading, time
from runtime_hub import node, operation, plugin, trigger
plugin(id="${ID}", version="1.0.0", title="T", description="", engine="^1.0.0",
    permissions=[{"capability": "state", "target": "*", "reason": "To use it when it may not."}])
kept = []
seen = []
print("as it is imported")

@node(effect="pure")
def keep(context):
    "Keeps its context for later, and a thread that goes on using it."
    kept.append(context)
    started = threading.Event()
    def use():
        while True:
            try: context.state.get("k")
            except Exception as error:
                seen.append(getattr(error, "code", "odd"))
                if len(seen) > 3: return
            started.set()
    threading.Thread(target=use, daemon=True).start()
    started.wait()

@node(effect="pure", outputs={"codes": {}})
def look():
    while len(seen) < 4: time.sleep(0.001)
    return {"codes": seen}

@node(effect="pure", outputs={"code": {}})
def use_kept(context):
    try: return {"code": kept[0].state.get("k")}
    except Exception as error: return {"code": error.code}


@node(effect="pure", inputs={"list": {}}, outputs={"list": {}})
def append(inputs):
    inputs["list"].append(1)
    return {"list": inputs["list"]}

@node(effect="pure")
def ignore_cancel():
    while True: time.sleep(0.01)

@node(effect="pure")
def mark(*, text: str):
    for folder in ("/tmp", os.environ["HUB_BLOBS_OUT"]):
        with open(folder + "/" + text, "w") as file: file.write(text)

@trigger(outputs={"n": {}})
def flood():
    "Sends events that nobody allowed, past its emit."
    import json
    for _ in range(10):
        body = json.dumps({"t": "event", "id": int(threading.current_thread().name.split()[1]), "value": {"n": 1}}).encode()
        os.write(3, len(body).to_bytes(4, "little") + body)
    time.sleep(10)

@operation("ocr.read", "read-text")
def large(args): return "x" * (2 << 20)

@operation("ocr.read", "read-number")
def slow(args, context): context.sleep(60000)
`;

const folder = temporaryFolder('over-steps');
let hub: Hub;

beforeAll(async () => {
  applyPolicy(folder.path, ['hostile/*']);
  hub = await openHub({ folder: folder.path });
  const plugin = join(folder.path, 'plugin');
  mkdirSync(plugin);
  writeFileSync(join(plugin, 'plugin.py'), SOURCE);
  const artifact = await packPlugin(plugin);
  await hub.plugins.install({
    artifact,
    bundle: await signWithDeveloperKey(folder.path, artifact),
  });
  hub.broker.request(ID);
  hub.broker.approve({ plugin: ID, by: 'test' });
});
beforeEach(async () => {
  await hub.pool.stop(ID);
  hub.pool.release(ID);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const never = new AbortController().signal;

async function run(
  types: readonly string[],
  inputs: JsonObject = {},
  signal = never,
  config: JsonObject = {},
) {
  const steps = types.map((type, index) => ({
    node: `n${String(index)}`,
    type,
    config,
    inputs: index === 0 ? inputs : {},
    links: {},
  }));
  const request = {
    run: runId('run-00000001'),
    workspace: 'default',
    workflow: 'w',
    plugin: ID,
    steps,
    values: {},
  };
  return await hub.pool.run({ ...request, deadlineMs: 5000 }, signal);
}

test('a thread that outlives its step can use nothing any more', async () => {
  expect(await run(['keep'])).toMatchObject([{ ok: true }]);
  const codes = Array.from({ length: 4 }, () => 'STEP_CANCELLED');
  expect(await run(['look'])).toMatchObject([{ ok: true, outputs: { codes } }]);
});

test('a context that was kept is of no use to a later step', async () => {
  await run(['keep']);
  expect(await run(['use-kept'])).toMatchObject([{ outputs: { code: 'STEP_CANCELLED' } }]);
});

test('what a step does to its inputs is not seen by the next run', async () => {
  const inputs = { list: [0] };
  expect(await run(['append'], inputs)).toMatchObject([{ outputs: { list: [0, 1] } }]);
  expect(await run(['append'], inputs)).toMatchObject([{ outputs: { list: [0, 1] } }]);
});

test('a step that goes on after it was cancelled is answered, and ends with its host', async () => {
  await run(['mark'], {}, never, { text: 'warm' });
  const before = (await hub.pool.stats()).hosts[0]?.pid;
  const stop = new AbortController();
  const deaf = run(['ignore-cancel'], {}, stop.signal);
  setImmediate(() => stop.abort('enough'));
  await expect(deaf).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
  const gone = async () => (await hub.pool.stats()).hosts.some((host) => host.pid === before);
  await expect.poll(gone, { timeout: 10_000 }).toBe(false);
  expect(await run(['mark'], {}, never, { text: 'again' })).toMatchObject([{ ok: true }]);
}, 20_000);

test('what a host wrote is gone with it', async () => {
  await run(['mark'], {}, never, { text: 'left' });
  await hub.pool.stop(ID);
  expect(readdirSync('/tmp')).not.toContain('left');
});

test('events that nobody allowed end the host', async () => {
  const request = {
    plugin: ID,
    node: 't',
    type: 'flood',
    config: {},
    workspace: 'default',
    workflow: 'w',
  };
  const slow = async () => await new Promise<void>(() => undefined);
  await expect(hub.pool.listen(request, slow, never)).rejects.toMatchObject({
    code: 'HOST_PROTOCOL_ERROR',
  });
});

test('an answer larger than a frame is the operation’s typed error', async () => {
  const request = {
    capability: 'ocr.read',
    operation: 'read-text',
    args: {},
    workspace: 'default',
    caller: ID,
  } as const;
  await expect(hub.pool.serve(ID, request, never)).rejects.toMatchObject({ code: 'STEP_FAILED' });
});

test('an operation whose caller gave up is cancelled', async () => {
  const request = {
    capability: 'ocr.read',
    operation: 'read-number',
    args: {},
    workspace: 'default',
    caller: ID,
  } as const;
  await run(['mark'], {}, never, { text: 'warm' });
  const stop = new AbortController();
  const served = hub.pool.serve(ID, request, stop.signal);
  setImmediate(() => stop.abort('enough'));
  await expect(served).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
});
