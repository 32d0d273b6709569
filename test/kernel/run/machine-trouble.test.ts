import { test } from 'vitest';
import { planOf } from './sketch.ts';
import {
  broken,
  cancelled,
  crashed,
  denied,
  done,
  expectTrace,
  failed,
  fired,
  intended,
  lost,
  recovered,
  resolved,
  started,
  timedOut,
  traceOf,
  wrongInput,
  type Trace,
} from './trace.ts';

const retry = { maxAttempts: 3, delayMs: 100, maxDelayMs: 1000 };

// ---- failures -------------------------------------------------------------------------------------------------

const FRAGILE = planOf({ shot: { type: 'idempotent', retry }, read: 'idempotent' }, [
  'shot.out read.in',
]);

test('a step that fails once is tried again after its delay', async () => {
  const trace = traceOf(FRAGILE).feed(started, failed('shot', broken), fired('shot'));
  await expectTrace(trace.feed(done('shot'), done('read')), 'retry-then-success');
});

test('a step that fails on each attempt fails the run after the last', async () => {
  const again = [failed('shot', broken), fired('shot')];
  const trace = traceOf(FRAGILE).feed(started, ...again, ...again, failed('shot', broken));
  await expectTrace(trace, 'retry-exhausted');
});

test('an error that trying again cannot cure is not tried again', async () => {
  const trace = traceOf(FRAGILE).feed(started, failed('shot', wrongInput));
  await expectTrace(trace, 'retry-useless');
});

test('a step that runs out of time is tried again only if its policy says so', async () => {
  const trace = traceOf(FRAGILE).feed(started, lost('shot', timedOut), fired('shot'));
  await expectTrace(trace.feed(done('shot'), lost('read', timedOut)), 'timeout');
});

test('a crashed host is forgiven an idempotent step, without any policy', async () => {
  const plan = planOf({ shot: 'idempotent' });
  const trace = traceOf(plan).feed(started, lost('shot', crashed), fired('shot'), done('shot'));
  await expectTrace(trace, 'host-crash-idempotent');
});

test('a crashed host in the middle of an external step leaves it unknown', async () => {
  const plan = planOf({ click: 'external' });
  const trace = traceOf(plan).feed(started, intended('click'), lost('click', crashed));
  await expectTrace(trace.feed(resolved('click', 'done')), 'host-crash-external');
});

test('a connected error port takes the error, and the run goes on', async () => {
  const plan = planOf({ shot: 'idempotent', read: 'idempotent', tell: 'idempotent' }, [
    'shot.out read.in',
    'shot.error tell.in',
  ]);
  const trace = traceOf(plan).feed(started, failed('shot', broken), done('tell'));
  await expectTrace(trace, 'error-edge');
});

test('a failure without an error port cancels what is in flight', async () => {
  const plan = planOf({ a: 'idempotent', b: 'idempotent', c: 'idempotent' }, ['b c']);
  await expectTrace(traceOf(plan).feed(started, failed('a', broken), done('b')), 'failure-beside');
});

// ---- people ---------------------------------------------------------------------------------------------------

test('a cancelled run stops the step in flight; what it still says is ignored', async () => {
  const plan = planOf({ shot: 'idempotent', read: 'idempotent' }, ['shot.out read.in']);
  const trace = traceOf(plan).feed(started, cancelled, done('shot'), cancelled);
  await expectTrace(trace, 'cancel-while-running');
});

test('a run can be cancelled while it waits for a timer or a permission', async () => {
  const plan = planOf({ shot: { type: 'idempotent', retry }, look: 'asking' });
  const waiting = { type: 'permission.waiting', node: 'look' } as const;
  const trace = traceOf(plan).feed(started, failed('shot', broken), waiting, cancelled);
  const late = [fired('shot'), { type: 'permission.granted', node: 'look' } as const];
  await expectTrace(trace.feed(...late), 'cancel-while-waiting');
});

test('a step without its permission waits, beside others that run, until it is granted', async () => {
  const plan = planOf({ look: 'asking', other: 'idempotent', after: 'idempotent' }, ['look after']);
  const trace = traceOf(plan).feed(
    started,
    { type: 'permission.waiting', node: 'look' },
    done('other'),
    { type: 'permission.granted', node: 'look' },
    done('look'),
    done('after'),
  );
  await expectTrace(trace, 'permission');
});

test('a step whose permission is denied fails, and its error port takes that like any error', async () => {
  const plan = planOf({ look: 'asking', other: 'idempotent', tell: 'idempotent' }, [
    'look other',
    'look.error tell.in',
  ]);
  const trace = traceOf(plan).feed(
    started,
    { type: 'permission.waiting', node: 'look' },
    { type: 'permission.denied', node: 'look', error: denied },
    { type: 'permission.granted', node: 'look' },
    done('tell'),
  );
  await expectTrace(trace, 'permission-denied');
});

test('what comes too late, too early or for no node at all changes nothing', async () => {
  const plan = planOf({ a: 'idempotent', b: 'asking', c: 'idempotent' }, ['b c']);
  const trace = traceOf(plan).feed(started, done('a'));
  for (const node of ['a', 'b', 'c', 'ghost', 'constructor'])
    trace.feed(
      fired(node),
      { type: 'permission.granted', node },
      { type: 'permission.denied', node, error: denied },
      resolved(node, 'retry'),
    );
  for (const node of ['a', 'c', 'ghost', 'constructor'])
    trace.feed(done(node), lost(node, crashed));
  await expectTrace(trace, 'stale-inputs');
});

// ---- crashes --------------------------------------------------------------------------------------------------

const ACTING = planOf({ shot: 'idempotent', click: 'external', tell: 'idempotent' }, [
  'shot.out click.in',
  'click tell',
]);
const inFlight = (): Trace =>
  traceOf(ACTING).feed(started, done('shot'), intended('click')).crash().feed(recovered);

test('an external step in flight is unknown after a crash; told to retry, it runs again', async () => {
  const trace = inFlight().feed(resolved('click', 'retry'), intended('click'), done('click'));
  await expectTrace(trace.feed(done('tell')), 'unknown-then-retry');
});

test('an external step in flight is unknown after a crash; told it was done, the run goes on', async () => {
  const trace = inFlight().feed(resolved('click', 'done'), done('tell'));
  await expectTrace(trace, 'unknown-then-done');
});

test('an external step in flight is unknown after a crash; told it failed, the run fails', async () => {
  await expectTrace(inFlight().feed(resolved('click', 'fail')), 'unknown-then-fail');
});

for (const onUnknown of ['retry', 'skip', 'fail'] as const)
  test(`a workflow with onUnknown ${onUnknown} asks nobody about a step in flight at the crash`, async () => {
    const plan = planOf({ click: 'external', tell: 'idempotent' }, ['click tell'], { onUnknown });
    const trace = traceOf(plan).feed(started, intended('click')).crash().feed(recovered);
    await expectTrace(trace, `on-unknown-${onUnknown}`);
  });

test('an external step that had not begun at the crash just starts again', async () => {
  const trace = traceOf(ACTING).feed(started, done('shot')).crash().feed(recovered);
  await expectTrace(trace, 'crash-before-intent');
});

test('an intent counts for one attempt: a later attempt that had not begun is not asked about', async () => {
  const again = { maxAttempts: 5, delayMs: 100, maxDelayMs: 100 };
  const plan = planOf({ click: { type: 'external', retry: again } });
  const trace = traceOf(plan)
    .feed(started, intended('click'), failed('click', broken), fired('click'))
    .crash()
    .feed(recovered, intended('click'))
    .crash()
    .feed(recovered, resolved('click', 'retry'))
    .crash()
    .feed(recovered);
  await expectTrace(trace, 'intent-per-attempt');
});

test('a replay of the journal goes on where the run stopped: finished steps stay finished', async () => {
  const plan = planOf(
    { a: 'pure', b: 'idempotent', c: { type: 'idempotent', retry }, d: 'asking', e: 'idempotent' },
    ['a.out b.in', 'c e', 'd e', 'b e'],
  );
  const before = [started, done('a'), failed('c', broken)];
  const waiting = { type: 'permission.waiting', node: 'd' } as const;
  const trace = traceOf(plan)
    .feed(...before, waiting)
    .crash()
    .feed(recovered);
  await expectTrace(trace.feed(done('b'), done('c'), done('d'), done('e')), 'replay');
});
