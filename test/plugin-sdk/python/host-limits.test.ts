import { expect, test } from 'vitest';
import { run, startHost, step, type HostClient } from '../runtime/host-client.ts';

/** A host with a plugin whose one node runs `body`. */
async function hostOf(body: string, head = ''): Promise<HostClient> {
  const lines = body.split('\n').map((line) => `    ${line}`);
  const client = await startHost(
    'python',
    `import threading, time
from runtime_hub import HubError, node, plugin
plugin(id="acme/test", version="1.0.0", title="Test", description="", engine="*")
${head}
@node("x", effect="pure", inputs={"in": {}}, outputs={"out": {}})
def x(context, inputs):
${lines.join('\n')}
`,
  );
  expect(await client.load('')).toMatchObject({ ok: true });
  client.send({ t: 'define', segment: 's', steps: [step('a', 'x')] });
  return client;
}

test('a flood of calls is refused above the limit', async () => {
  await using client = await hostOf(`codes = []
def ask():
    try: context.call("state", "get", {"key": "k"})
    except HubError as error: codes.append(error.code)
for _ in range(300): threading.Thread(target=ask, daemon=True).start()
while len(codes) < 44: time.sleep(0.001)
return {"out": codes}`);
  client.send(run(2, 's'));
  const out = Array.from({ length: 44 }, () => 'HOST_OVERLOADED');
  expect(await client.reply(2)).toMatchObject({ value: [{ ok: true, outputs: { out } }] });
  expect(client.frames.filter((frame) => frame.t === 'call')).toHaveLength(256);
  await client.wait('cancel', (frame) => frame.id === 256);
});

test('a flood of log is cut and its control characters are taken out', async () => {
  await using client = await hostOf(
    `for n in range(2000): context.log.info(f"\\x1b[31m\\r\\n\\x9b{n}")`,
  );
  client.send(run(2, 's'));
  expect(await client.reply(2)).toMatchObject({ value: [{ ok: true }] });
  const lines = client.frames.flatMap((frame) => (frame.t === 'log' ? [frame.text] : []));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(300);
  expect(lines.some((line) => /\p{Cc}/u.test(line))).toBe(false);
});

test.each([
  ['larger than a frame', '"x" * 5_000_000', /larger than a frame may be/u],
  ['a function', 'print', /not JSON/u],
  ['no text as a key', '{1: 2}', /a key that is a int/u],
])('an output that is %s is a failed step and the host lives', async (_how, value, message) => {
  await using client = await hostOf(`return {"out": ${value}} if inputs.get("in") else {"out": 1}`);
  const values = { a: { inputs: { in: true } } };
  client.send(run(2, 's', { values }));
  const failed = { code: 'STEP_FAILED', message: expect.stringMatching(message) };
  const reply = await client.reply(2);
  expect(reply.ok ? (reply.value as readonly unknown[])[0] : reply).toMatchObject({
    error: failed,
  });
  client.send(run(3, 's'));
  expect(await client.reply(3)).toMatchObject({ value: [{ ok: true, outputs: { out: 1 } }] });
});

test('text that is not UTF-8 travels as an escape', async () => {
  await using client = await hostOf('return {"out": inputs["in"] + "\\ud83d"}');
  client.send(run(2, 's', { values: { a: { inputs: { in: 'ä\ud800' } } } }));
  expect(await client.reply(2)).toMatchObject({ value: [{ outputs: { out: 'ä\ud800\ud83d' } }] });
});

test('frames in pieces and many at once are taken alike', async () => {
  await using client = await hostOf('return {"out": inputs["in"]}');
  for (let id = 2; id < 302; id += 1) {
    const big = id % 100 === 0 ? 'x'.repeat(300_000) : '';
    client.send(run(id, 's', { values: { a: { inputs: { in: `${String(id)}${big}` } } } }));
  }
  for (let id = 2; id < 302; id += 1)
    expect(await client.reply(id)).toMatchObject({ ok: true, value: [{ ok: true }] });
});

test('the host ends when the hub is gone', async () => {
  const client = await hostOf('threading.Event().wait()');
  client.send(run(2, 's', { deadlineMs: 60_000 }));
  client.hangUp();
  expect((await client.ended).code).toBe(0);
});
