import { PassThrough, Readable } from 'node:stream';
import { encodeFrame, type HostFrame, type Json } from '@runtime-hub/plugin-sdk/contract';
import type { Clock } from '@runtime-hub/plugin-sdk/hosting';
import { expect, test, vi } from 'vitest';
import type { Incoming } from '../../../plugin-sdk/hosting/channel-ports.ts';
import { Channel } from '../../../plugin-sdk/hosting/channel.ts';

const STEP_MS = 0.05;

/** Time goes on a little whenever somebody looks; what waits, waits for `pass`. */
function slowClock() {
  let at = 1_000_000;
  const timers = new Set<{ readonly due: number; readonly fn: () => void }>();
  const clock: Clock = {
    now: () => (at += STEP_MS),
    after(ms, fn) {
      const timer = { due: at + ms, fn };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
  };
  const pass = (ms: number): void => {
    at += ms;
    for (const timer of timers) {
      if (timer.due > at) continue;
      timers.delete(timer);
      timer.fn();
    }
  };
  return { clock, pass };
}

function openChannel(clock: Clock) {
  const taken: Incoming[] = [];
  const [input, output] = [new PassThrough().resume(), new PassThrough()];
  const ended = Promise.withResolvers<never>().promise;
  const process = { pid: 0, input, output, logs: Readable.from([]), ended, kill: () => undefined };
  const channel = new Channel(process, {
    clock,
    plugin: () => 'acme/flood',
    graceMs: 250,
    onFrame: (frame) => void taken.push(frame),
    lend: () => undefined,
    admit: () => undefined,
    onClosed: () => undefined,
    onBroken: (how) => expect.unreachable(JSON.stringify(how)),
  });
  const say = (frames: readonly HostFrame[]): void =>
    void output.write(Buffer.concat(frames.map((frame) => encodeFrame(frame))));
  return { channel, taken, say };
}

const line = { t: 'log', level: 'info', text: 'x' } as const;
const lines = (count: number): readonly HostFrame[] => Array.from({ length: count }, () => line);
const ask = async (channel: Channel): Promise<Json> =>
  await channel.ask({
    frame: (id) => ({ t: 'cancel', id }),
    deadlineMs: null,
    signal: null,
  });

test('a host that floods the hub is heard for a moment at a time, and another one in between', async () => {
  const { clock, pass } = slowClock();
  const [flood, calm] = [openChannel(clock), openChannel(clock)];
  flood.say(lines(1000));
  await vi.waitFor(() => expect(flood.taken.length).toBeGreaterThan(0));
  const answer = ask(calm.channel);
  calm.say([{ t: 'reply', id: 1, ok: true, value: 7 }]);
  expect(await answer).toBe(7);
  expect(flood.taken.length).toBeLessThan(200);
  for (let waited = 0; flood.taken.length < 1000 && waited < 10_000; waited += 1) {
    pass(1);
    await new Promise(setImmediate);
  }
  expect(flood.taken).toHaveLength(1000);
});

test('what a host says beyond its share of the hub’s time waits, and nothing of it is lost', async () => {
  const { clock, pass } = slowClock();
  const { taken, say } = openChannel(clock);
  say(lines(400));
  await vi.waitFor(() => expect(taken.length).toBeGreaterThan(40));
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
  const before = taken.length;
  expect(before).toBeLessThan(100);
  pass(10);
  await new Promise(setImmediate);
  // A tenth of ten milliseconds, at most one turn more than that.
  expect(taken.length - before).toBeLessThanOrEqual(1 / STEP_MS + 5);
  for (let waited = 0; taken.length < 400 && waited < 10_000; waited += 1) {
    pass(1);
    await new Promise(setImmediate);
  }
  expect(taken).toHaveLength(400);
});

test('answers to the hub’s own questions are never held back, however many come at once', async () => {
  const { channel, say } = openChannel(slowClock().clock);
  const answers = Array.from({ length: 2000 }, async () => await ask(channel));
  const isDone = Promise.all(answers);
  for (let from = 1; from <= 2000; from += 200) {
    say(
      Array.from({ length: 200 }, (_, index) => {
        return { t: 'reply', id: from + index, ok: true, value: index } as const;
      }),
    );
    await Promise.all(answers.slice(from - 1, from + 199));
  }
  expect(await isDone).toHaveLength(2000);
});
