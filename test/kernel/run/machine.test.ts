import { test } from 'vitest';
import { notOk, ok, planOf } from './sketch.ts';
import {
  broken,
  done,
  expectTrace,
  failed,
  intended,
  reports,
  started,
  traceOf,
  wrongInput,
} from './trace.ts';

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
