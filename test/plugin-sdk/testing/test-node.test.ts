import * as Type from '@runtime-hub/plugin-sdk/schema';
import { HubError, defineNode, definePlugin } from '@runtime-hub/plugin-sdk';
import { testNode } from '@runtime-hub/plugin-sdk/testing';
import { expect, test } from 'vitest';

const count = defineNode({
  type: 'count',
  title: 'Count',
  effect: 'idempotent',
  config: Type.Object({ by: Type.Integer() }),
  inputs: { start: Type.Number() },
  outputs: { total: Type.Number() },
  async run({ config, inputs, context }) {
    const before = await context.state.get('total');
    context.log.info('counting');
    const total = inputs.start + config.by + Number(before);
    return { total: total > 100 ? Number.NaN : total };
  },
});
const plugin = definePlugin({
  id: 'acme/count',
  version: '1.0.0',
  title: 'Count',
  description: '',
  engine: '*',
  runtime: 'isolate',
  permissions: [],
  nodes: [count],
});
const trial = { config: { by: 2 }, inputs: { start: 1 }, calls: { 'state.get': 39 } };

test('gives the outputs, the calls and the log of a node', async () => {
  const result = await testNode(plugin, 'count', trial);
  expect(result).toEqual({
    outputs: { total: 42 },
    calls: [{ capability: 'state', operation: 'get', args: { key: 'total' } }],
    logs: ['counting'],
  });
});

test('refuses a call that has no answer', async () => {
  const run = testNode(plugin, 'count', { ...trial, calls: {} });
  await expect(run).rejects.toMatchObject({ code: 'CAPABILITY_DENIED' });
});

test('lets the fake broker fail as the hub would', async () => {
  const calls = {
    'state.get': () => {
      throw new HubError('CAPABILITY_REVOKED', { plugin: 'acme/count', need: 'state:*' });
    },
  };
  const run = testNode(plugin, 'count', { ...trial, calls });
  await expect(run).rejects.toMatchObject({ code: 'CAPABILITY_REVOKED' });
});

test('checks config, inputs and outputs against the schemas', async () => {
  const bad = testNode(plugin, 'count', { ...trial, config: { by: 1.5 } });
  await expect(bad).rejects.toMatchObject({ code: 'STEP_INPUT_INVALID' });
  const missing = testNode(plugin, 'count', { ...trial, inputs: {} });
  await expect(missing).rejects.toMatchObject({ code: 'STEP_INPUT_INVALID' });
  const lie = testNode(plugin, 'count', { ...trial, inputs: { start: 100 } });
  await expect(lie).rejects.toMatchObject({ code: 'STEP_OUTPUT_INVALID' });
});
