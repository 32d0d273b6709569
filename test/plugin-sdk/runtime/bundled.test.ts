import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { buildRuntime } from '../../../plugin-sdk/runtime/build.ts';
import { run, startHost, step } from './host-client.ts';

const SOURCE = `
  import * as Type from '@runtime-hub/plugin-sdk/schema';
import { HubError, defineNode, definePlugin } from '@runtime-hub/plugin-sdk';
  const find = defineNode({ type: 'find', title: 'Find', effect: 'pure', config: Type.Object({}),
    inputs: { in: Type.Number() }, outputs: { out: Type.Number() },
    run: ({ inputs }) => {
      if (inputs.in < 0) throw new HubError('SCREEN_TARGET_NOT_FOUND', { target: 'q' });
      return { out: inputs.in };
    } });
  export default definePlugin({ id: 'acme/test', version: '1.0.0', title: 'Test', description: '', engine: '*',
    runtime: 'isolate', permissions: [], nodes: [find] });`;

beforeAll(buildRuntime);

test('a plugin bundled with the SDK and its schemas runs in the isolate', async () => {
  const stdin = { contents: SOURCE, resolveDir: import.meta.dirname };
  const bundle = await build({ stdin, bundle: true, format: 'esm', write: false });
  await using client = await startHost('isolate');
  expect(await client.load(bundle.outputFiles[0]?.text ?? '')).toMatchObject({ ok: true });
  client.send({ t: 'define', segment: 's', steps: [step('a', 'find')] });
  client.send(run(2, 's', { values: { a: { inputs: { in: -1 } } } }));
  expect(await client.reply(2)).toMatchObject({
    value: [{ error: { code: 'SCREEN_TARGET_NOT_FOUND', data: { target: 'q' } } }],
  });
});
