import { expect, test } from 'vitest';
import { notOk, ok, planOf } from './sketch.ts';
import {
  broken,
  cancelled,
  crashed,
  denied,
  done,
  failed,
  fired,
  intended,
  lost,
  recovered,
  reports,
  resolved,
  started,
  timedOut,
  traceOf,
  wrongInput,
  type Trace,
} from './trace.ts';

const retry = { maxAttempts: 3, delayMs: 100, maxDelayMs: 1000 };

const expectTrace = async (trace: Trace, name: string): Promise<void> =>
  await expect(trace.toString()).toMatchFileSnapshot(`traces/${name}.txt`);

// ---- shapes ---------------------------------------------------------------------------------------------------

test('steps of a straight line run one after the other', async () => {
  const plan = planOf({ shot: 'idempotent', read: 'idempotent', click: 'external' }, [
    'shot.out read.in',
    'read.out click.in',
  ]);
  const trace = traceOf(plan).feed(started, done('shot'), done('read'), intended('click'));
  await expectTrace(trace.feed(done('click')), 'straight-line');
});

const BRANCH = planOf(
  { ask: 'idempotent', left: 'idempotent', right: 'idempotent', after: 'idempotent' },
  ['ask.yes left.in', 'ask.no right.in', 'right.out after.in'],
);

test('a branch that says yes skips all that hangs on no', async () => {
  const trace = traceOf(BRANCH).feed(started, done('ask', { yes: 7 }), done('left'));
  await expectTrace(trace, 'branch-true');
});

test('a branch that says no skips all that hangs on yes', async () => {
  const trace = traceOf(BRANCH).feed(started, done('ask', { no: 7 }), done('right'), done('after'));
  await expectTrace(trace, 'branch-false');
});

test('a branch that says nothing skips both sides, and the run ends', async () => {
  await expectTrace(traceOf(BRANCH).feed(started, done('ask', {})), 'branch-silent');
});

test('a branch that cannot read its condition fails the run and skips the rest', async () => {
  const trace = traceOf(BRANCH).feed(started, failed('ask', wrongInput));
  await expectTrace(trace, 'branch-unreadable');
});

test('a merge goes on when one branch arrived and the other was skipped', async () => {
  const plan = planOf(
    { ask: 'idempotent', left: 'idempotent', right: 'idempotent', both: 'merge' },
    ['ask.yes left.in', 'ask.no right.in', 'left.out both.in', 'right.out both.in'],
  );
  const trace = traceOf(plan).feed(started, done('ask', { no: 7 }), done('right'), done('both'));
  await expectTrace(trace, 'merge');
});

const DIAMOND = planOf(
  { top: 'idempotent', left: 'idempotent', right: 'idempotent', bottom: 'idempotent' },
  ['top.out left.in', 'top.out right.in', 'left.out bottom.in', 'right.out bottom.other'],
);

test('the bottom of a diamond waits for both sides', async () => {
  const trace = traceOf(DIAMOND).feed(started, done('top'), done('right'), done('left'));
  await expectTrace(trace.feed(done('bottom')), 'diamond');
});

test('a side of a diamond that gives nothing skips the bottom but not the other side', async () => {
  const trace = traceOf(DIAMOND).feed(started, done('top'), done('left', {}), done('right'));
  await expectTrace(trace, 'diamond-half');
});

test('only the trigger that fired is finished, others of the workflow are skipped', async () => {
  const plan = planOf(
    { timer: 'trigger', screen: 'trigger', tick: 'idempotent', look: 'idempotent' },
    ['timer.out tick.in', 'screen.out look.in'],
  );
  const trace = traceOf(plan, { node: 'screen', outputs: { out: 'changed' } });
  await expectTrace(trace.feed(started, done('look')), 'trigger');
});

test('a disabled node is skipped with all that follows it', async () => {
  const plan = planOf(
    { one: 'idempotent', two: { type: 'idempotent', disabled: true }, three: 'idempotent' },
    ['one two', 'two three'],
  );
  await expectTrace(traceOf(plan).feed(started, done('one')), 'disabled');
});

test('pure nodes of one plugin travel as one segment, and a report tells how far it came', async () => {
  const plan = planOf({ a: 'pure', b: 'pure', c: 'pure', d: 'idempotent' }, [
    'a.out b.in',
    'b.out c.in',
    'c.out d.in',
  ]);
  const segment = reports('a', ok('a', { out: 1 }), ok('b', { out: 2 }), ok('c', { out: 3 }));
  await expectTrace(traceOf(plan).feed(started, segment, done('d')), 'segment');
});

test('a segment that stops half way fails there and nowhere else', async () => {
  const plan = planOf({ a: 'pure', b: 'pure', c: 'pure' }, ['a.out b.in', 'b.out c.in']);
  const stopped = reports('a', ok('a', { out: 1 }), notOk('b', broken));
  await expectTrace(traceOf(plan).feed(started, stopped), 'segment-stopped');
});

test('no more steps are in flight than the workflow allows', async () => {
  const plan = planOf({ a: 'idempotent', b: 'idempotent', c: 'idempotent' }, [], {
    maxParallelSteps: 2,
  });
  const trace = traceOf(plan).feed(started, done('b'), done('a'), done('c'));
  await expectTrace(trace, 'parallel-limit');
});

test('a step that its host said nothing about runs again', async () => {
  const plan = planOf({ a: 'pure', b: 'pure' }, ['a.out b.in']);
  const trace = traceOf(plan).feed(started, reports('a'), reports('a', ok('a', { out: 1 })));
  await expectTrace(trace.feed(done('b')), 'segment-untold');
});

test('what a host reports twice, or about a step that it was not given, is ignored', async () => {
  const plan = planOf({ a: 'pure', b: 'pure', other: 'idempotent' }, ['a.out b.in']);
  const lies = reports('a', ok('other', {}), ok('a', { out: 1 }), notOk('a', broken), ok('ghost'));
  await expectTrace(traceOf(plan).feed(started, lies, done('b'), done('other')), 'reports-false');
});

test('a port that objects inherit brings nothing unless the step gave it', async () => {
  const plan = planOf({ a: 'idempotent', b: 'idempotent', c: 'idempotent' }, [
    'a.toString b.in',
    'a.constructor c.in',
  ]);
  const trace = traceOf(plan).feed(started, done('a', { constructor: 1 }), done('c'));
  await expectTrace(trace, 'inherited-ports');
});

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
