import { formerOf } from '@runtime-hub/plugin-sdk/check';
import { expect, test } from 'vitest';
import { findingsIn, manifestWith, nodeWith } from './pack-parts.ts';

const published = ['1.0.0', '1.9.0', '1.9.3', '2.0.0', '2.1.0-beta.1'].map((version) =>
  manifestWith({ version }),
);

test.each([
  ['1.9.4', '1.9.3', 'its own line'],
  ['1.5.0', '2.0.0', 'its major'],
  ['2.1.0', '2.1.0-beta.1', 'its beta'],
  ['3.0.0', '2.1.0-beta.1', 'all below'],
])('%s follows a version of %s, the highest of %s', (version, former, where) => {
  const found = formerOf(published, version)?.version;
  expect(found).toBe(where === 'its major' ? '1.9.3' : former);
});

test('the first version follows none', () => {
  expect(formerOf([], '1.0.0')).toBeUndefined();
  expect(formerOf(published, '0.1.0')).toBeUndefined();
});

test('a new major version may drop nodes and ports', () => {
  const nodes = [nodeWith({ type: 'fetch', outputs: { amount: { type: 'number' } } })];
  const surroundings = { former: manifestWith() };
  expect(findingsIn({ manifest: { version: '2.0.0', nodes }, surroundings })).toEqual([]);
});

test('a renamed node is told by its new name', () => {
  const surroundings = { former: manifestWith() };
  const manifest = { version: '1.1.0', nodes: [nodeWith({ type: 'fetch' })] };
  expect(findingsIn({ manifest, surroundings })).toMatchObject([
    { rule: 'node-removed', message: 'the node read is gone; it seems to be fetch now' },
  ]);
});

test('a new optional input and a new output break nobody', () => {
  const surroundings = { former: manifestWith() };
  const more = {
    inputs: { day: { type: 'string' } },
    optionalInputs: ['day'],
    outputs: { rate: { type: 'number' }, day: { type: 'string' } },
  };
  expect(
    findingsIn({ manifest: { version: '1.1.0', nodes: [nodeWith(more)] }, surroundings }),
  ).toEqual([]);
});
