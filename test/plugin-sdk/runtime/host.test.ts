import { beforeAll, describe, expect, test } from 'vitest';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import type { HostClient, HostKind } from './host-client.ts';
import { pluginText, run, startHost, step } from './host-client.ts';

const PLUGIN = pluginText(
  `node('add', ({ config, inputs }) => ({ out: inputs.in + (config.by ?? 1) }), {
     inputs: { in: { type: 'number' } }, outputs: { out: { type: 'number' } } }),
   node('text', () => ({ out: 'a word' })),
   node('lie', () => ({ out: 'no number' }), { outputs: { out: { type: 'number' } } }),
   node('nothing', () => ({})),
   node('much', ({ config }) => ({ out: config.sign.repeat(config.count) })),
   node('remember', async ({ context }) => ({ out: await context.state.get('k') })),
   node('facts', ({ context: { run, workflow, node, attempt, idempotencyKey } }) =>
     ({ out: { run, workflow, node, attempt, idempotencyKey } })),
   node('nap', async ({ context }) => { await context.sleep(1); return { out: 1 }; }),
   node('long', async ({ context }) => { await context.sleep(60000); return {}; }),
   node('deaf', () => new Promise(() => {})),
   node('refuse', () => { throw Object.assign(new Error('gone'), { code: 'SCREEN_TARGET_NOT_FOUND', data: { target: 'x' } }); }),
   node('spoof', () => { throw Object.assign(new Error('no'), { code: 'HOST_CRASHED', data: {} }); }),
   { type: 'tick', title: 'tick', config: { type: 'object' }, outputs: { n: { type: 'number' } },
     async listen({ context, emit, config }) {
       for (let n = 1; !context.signal.aborted; n += 1) await emit({ n: config.lie ? 'x' : n });
     } }`,
  `provides: { 'ocr.read': { 'read-text': async ({ args, context }) => ({ got: args, from: context.caller }),
     fail: () => { throw new Error('broken lens'); } } }`,
);

/** The same in Python. */
const PYTHON_PLUGIN = `
import threading
from runtime_hub import HubError, node, operation, plugin, trigger
plugin(id="acme/test", version="1.0.0", title="Test", description="", engine="*")
ANY = {"inputs": {"in": {}}, "outputs": {"out": {}}, "effect": "pure"}
@node(effect="pure", config={"type": "object"}, inputs={"in": float}, outputs={"out": float})
def add(inputs, config): return {"out": inputs["in"] + config.get("by", 1)}
@node(**ANY)
def text(): return {"out": "a word"}
@node(effect="pure", inputs={"in": {}}, outputs={"out": float})
def lie(): return {"out": "no number"}
@node(**ANY)
def nothing(): return {}
@node(effect="pure", config={"type": "object"}, inputs={"in": {}}, outputs={"out": {}})
def much(config): return {"out": config["sign"] * config["count"]}
@node(**ANY)
def remember(context): return {"out": context.state.get("k")}
@node(**ANY)
def facts(context):
    return {"out": {"run": context.run, "workflow": context.workflow, "node": context.node, "attempt": context.attempt,
        "idempotencyKey": context.idempotency_key}}
@node(**ANY)
def nap(context):
    context.sleep(1)
    return {"out": 1}
@node(**ANY)
def long(context): context.sleep(60000)
@node(**ANY)
def deaf(): threading.Event().wait()
@node(**ANY)
def refuse(): raise HubError("SCREEN_TARGET_NOT_FOUND", "gone", {"target": "x"})
@node(**ANY)
def spoof(): raise HubError("HOST_CRASHED", "no", {})
@trigger(config={"type": "object"}, outputs={"n": float})
def tick(emit, config):
    n = 0
    while True:
        n += 1
        emit({"n": "x" if config.get("lie") else n})
@operation("ocr.read", "read-text")
def read_text(args, context): return {"got": args, "from": context.caller}
@operation("ocr.read", "fail")
def fail(args): raise Exception("broken lens")
`;

async function loaded(kind: HostKind): Promise<HostClient> {
  const client = await startHost(kind, kind === 'python' ? PYTHON_PLUGIN : PLUGIN);
  const reply = await client.load(kind === 'isolate' ? PLUGIN : '');
  expect(reply).toMatchObject({ ok: true, value: { manifest: { id: 'acme/test' } } });
  return client;
}

/** Runs one step and gives its report, or the error of the whole request. */
async function one(client: HostClient, type: string, deadlineMs = 5000) {
  client.send({ t: 'define', segment: type, steps: [step('a', type)] });
  client.send(run(9, type, { deadlineMs }));
  const reply = await client.reply(9);
  return reply.ok ? (reply.value as readonly unknown[])[0] : reply.error;
}

beforeAll(buildRuntime);

describe.each(['isolate', 'process', 'python'] as const)('the %s host', (kind) => {
  test('gives the manifest when it has loaded the plugin', async () => {
    await using client = await loaded(kind);
    const reply = await client.reply(1);
    const entry = kind === 'python' ? 'plugin.py' : 'plugin.js';
    expect(reply).toMatchObject({ value: { manifest: { provides: ['ocr.read'], entry } } });
  });

  test('runs a step with values the run adds', async () => {
    await using client = await loaded(kind);
    client.send({ t: 'define', segment: 's', steps: [step('a', 'add', { config: { by: 2 } })] });
    client.send(run(2, 's', { values: { a: { inputs: { in: 40 } } } }));
    expect(await client.reply(2)).toMatchObject({
      ok: true,
      value: [{ node: 'a', ok: true, outputs: { out: 42 } }],
    });
    client.send(run(3, 's', { values: { a: { config: { by: 5 }, inputs: { in: 1 } } } }));
    expect(await client.reply(3)).toMatchObject({ value: [{ outputs: { out: 6 } }] });
  });

  test('runs a segment of a hundred linked steps in one request', async () => {
    await using client = await loaded(kind);
    const steps = Array.from({ length: 100 }, (_, n) =>
      step(`n${n}`, 'add', n === 0 ? {} : { links: { in: { from: `n${n - 1}`, port: 'out' } } }),
    );
    client.send({ t: 'define', segment: 's', steps });
    client.send(run(2, 's', { values: { n0: { inputs: { in: 0 } } } }));
    const reply = await client.reply(2);
    expect(reply).toMatchObject({ ok: true });
    const reports = reply.ok ? (reply.value as readonly unknown[]) : [];
    expect(reports).toHaveLength(100);
    expect(reports[99]).toMatchObject({ node: 'n99', ok: true, outputs: { out: 100 } });
  });

  test('leaves out a step whose link brought nothing', async () => {
    await using client = await loaded(kind);
    const links = { in: { from: 'a', port: 'out' } };
    client.send({
      t: 'define',
      segment: 's',
      steps: [step('a', 'nothing'), step('b', 'add', { links })],
    });
    client.send(run(2, 's'));
    expect(await client.reply(2)).toMatchObject({ ok: true, value: [{ node: 'a', outputs: {} }] });
  });

  test('checks what a link inside a segment brings', async () => {
    await using client = await loaded(kind);
    const links = { in: { from: 'a', port: 'out' } };
    client.send({
      t: 'define',
      segment: 's',
      steps: [step('a', 'text'), step('b', 'add', { links })],
    });
    client.send(run(2, 's'));
    expect(await client.reply(2)).toMatchObject({
      value: [{ ok: true }, { node: 'b', ok: false, error: { code: 'STEP_INPUT_INVALID' } }],
    });
  });

  test('refuses outputs that the node type does not declare', async () => {
    await using client = await loaded(kind);
    expect(await one(client, 'lie')).toMatchObject({
      ok: false,
      error: { code: 'STEP_OUTPUT_INVALID' },
    });
  });

  test.each([
    ['x', 1_100_000],
    ['€', 400_000],
  ])(
    'answers %s × %d, which no frame can hold, with an error, and lives on',
    async (sign, count) => {
      await using client = await loaded(kind);
      const steps = [step('a', 'much', { config: { sign, count } })];
      client.send({ t: 'define', segment: 's', steps });
      client.send(run(2, 's'));
      const reply = await client.reply(2);
      expect(JSON.stringify(reply)).toContain('STEP_FAILED');
      expect(await one(client, 'text')).toMatchObject({ ok: true });
    },
  );

  test('tells a step what it needs to know', async () => {
    await using client = await loaded(kind);
    expect(await one(client, 'facts')).toMatchObject({
      outputs: {
        out: {
          run: 'run-0001',
          workflow: 'w',
          node: 'a',
          attempt: 1,
          idempotencyKey: 'run-0001:a',
        },
      },
    });
  });

  test('carries a call to the hub and its reply back', async () => {
    await using client = await loaded(kind);
    const done = one(client, 'remember');
    const call = await client.wait('call');
    expect(call).toMatchObject({
      within: 9,
      node: 'a',
      capability: 'state',
      operation: 'get',
      args: { key: 'k' },
    });
    client.send({ t: 'reply', id: call.id, ok: true, value: 7 });
    expect(await done).toMatchObject({ ok: true, outputs: { out: 7 } });
  });

  test('gives a step the code of a refused call', async () => {
    await using client = await loaded(kind);
    const done = one(client, 'remember');
    const { id } = await client.wait('call');
    const data = { plugin: 'acme/test', need: 'state:*' };
    const error = { code: 'CAPABILITY_DENIED', message: 'no', data, retryable: false };
    client.send({ t: 'reply', id, ok: false, error });
    expect(await done).toMatchObject({ ok: false, error: { code: 'CAPABILITY_DENIED', data } });
  });

  test('lets a step sleep', async () => {
    await using client = await loaded(kind);
    expect(await one(client, 'nap')).toMatchObject({ ok: true, outputs: { out: 1 } });
  });

  test('keeps code and data of a contract error, but not one that speaks for the hub', async () => {
    await using client = await loaded(kind);
    expect(await one(client, 'refuse')).toMatchObject({
      error: { code: 'SCREEN_TARGET_NOT_FOUND', data: { target: 'x' }, retryable: true },
    });
    client.send({ t: 'define', segment: 'p', steps: [step('a', 'spoof')] });
    client.send(run(10, 'p'));
    expect(await client.reply(10)).toMatchObject({ value: [{ error: { code: 'STEP_FAILED' } }] });
  });

  test('serves a capability and says who asked', async () => {
    await using client = await loaded(kind);
    const request = { t: 'serve', capability: 'ocr.read', deadlineMs: 5000 } as const;
    const caller = 'acme/other' as never;
    client.send({ ...request, id: 2, operation: 'read-text', args: { a: 1 }, caller });
    expect(await client.reply(2)).toMatchObject({ value: { got: { a: 1 }, from: 'acme/other' } });
    client.send({ ...request, id: 3, operation: 'fail', args: null, caller });
    const error = { message: expect.stringContaining('broken lens') };
    expect(await client.reply(3)).toMatchObject({ ok: false, error });
    client.send({ ...request, id: 4, operation: 'constructor', args: null, caller });
    expect(await client.reply(4)).toMatchObject({ error: { code: 'CAPABILITY_UNAVAILABLE' } });
  });

  test('lets a trigger send as many events as it has credit for, until it is cancelled', async () => {
    await using client = await loaded(kind);
    const type = 'acme/test:tick';
    client.send({ t: 'listen', id: 2, node: 't', type, config: {}, workflow: 'w' });
    client.send({ t: 'credit', id: 2, n: 2 });
    await client.wait('event', (frame) => frame.value['n'] === 2);
    client.send({ t: 'credit', id: 2, n: 1 });
    await client.wait('event', (frame) => frame.value['n'] === 3);
    client.send({ t: 'cancel', id: 2 });
    expect(await client.reply(2)).toMatchObject({ ok: true });
    expect(client.frames.filter((frame) => frame.t === 'event')).toHaveLength(3);
  });

  test('ends a trigger whose event does not fit', async () => {
    await using client = await loaded(kind);
    const type = 'acme/test:tick';
    client.send({ t: 'listen', id: 2, node: 't', type, config: { lie: true }, workflow: 'w' });
    client.send({ t: 'credit', id: 2, n: 2 });
    expect(await client.reply(2)).toMatchObject({ error: { code: 'STEP_OUTPUT_INVALID' } });
  });

  test('cancels a step', async () => {
    await using client = await loaded(kind);
    const done = one(client, 'remember');
    const call = await client.wait('call');
    client.send({ t: 'cancel', id: 9 });
    expect(await done).toMatchObject({ code: 'STEP_CANCELLED' });
    await client.wait('cancel', (frame) => frame.id === call.id);
  });

  test('stops a step at its deadline and lives on when it listens to its signal', async () => {
    await using client = await loaded(kind);
    expect(await one(client, 'long', 20)).toMatchObject({
      code: 'STEP_TIMED_OUT',
      data: { timeoutMs: 20 },
    });
    client.send({ t: 'define', segment: 'p', steps: [step('a', 'text')] });
    client.send(run(10, 'p'));
    expect(await client.reply(10)).toMatchObject({ ok: true });
  });

  test('ends when a step goes on after its deadline', async () => {
    await using client = await loaded(kind);
    expect(await one(client, 'deaf', 20)).toMatchObject({ code: 'STEP_TIMED_OUT' });
    await client.ended;
  });

  test('says why a plugin cannot be loaded', async () => {
    const source = kind === 'python' ? 'raise Exception("bad day")' : 'throw new Error("bad day")';
    await using client = await startHost(kind, source);
    expect(await client.load(source)).toMatchObject({
      ok: false,
      error: { code: 'HOST_LOAD_FAILED', data: { message: expect.stringContaining('bad day') } },
    });
    await client.ended;
  });
});
