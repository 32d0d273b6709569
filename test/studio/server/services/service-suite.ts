import type { Service, ServiceUse } from '@runtime-hub/kernel';
import { OPERATIONS, pluginId, runId, type Json } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';

/** Done within one turn, so there is nobody to be gone. */
const QUICK: ReadonlySet<string> = new Set(['state', 'log', 'clock', 'random']);

const caller = {
  ...{
    plugin: pluginId('acme/test'),
    run: runId('run-00000001'),
    workspace: 'default',
    workflow: 'W',
  },
  ...{ node: 'n', host: null },
};

/** A use whose every further need is refused, as by a broker that granted nothing but the first. */
export const useOf = (signal: AbortSignal): ServiceUse => ({
  caller,
  signal,
  permit({ capability, target }) {
    throw Object.assign(new Error(`${capability}:${target}`), { code: 'CAPABILITY_DENIED' });
  },
});

/**
 * What every service of the hub must hold, whatever it does: names that are no operation are refused, whoever is gone is
 * not served, and nothing is done with arguments that make no sense. `sample` gives arguments of one operation that fit.
 */
export function testService(
  name: string,
  service: () => Service,
  sample: { readonly operation: string; readonly args: Json },
): void {
  const call = async (operation: string, args: Json, signal = new AbortController().signal) =>
    await service().call(operation, args, useOf(signal));

  test.each(['', 'nothing', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'call'])(
    `${name} has no operation %j`,
    async (operation) => {
      await expect(call(operation, sample.args)).rejects.toMatchObject({
        code: expect.stringMatching(/^(CAPABILITY_DENIED|HUB_REQUEST_INVALID)$/u),
      });
    },
  );

  test(`${name} names the contract’s operations, and its sample is one of them`, () => {
    const known = OPERATIONS[service().capability];
    if (known === undefined) expect(['log', 'state', 'blobs']).toContain(service().capability);
    else expect(Object.keys(known)).toContain(sample.operation);
  });

  if (!QUICK.has(name)) {
    test(`${name} does not begin for a caller that is gone`, async () => {
      const gone = AbortSignal.abort(new Error('gone'));
      await expect(call(sample.operation, sample.args, gone)).rejects.toThrow();
    });
  }

  test(`${name} answers at once, and with JSON, or with an error that has a code`, async () => {
    const outcome = await call(sample.operation, sample.args).then(
      (value) => JSON.parse(JSON.stringify(value)) as unknown,
      (error: unknown) => (error as { readonly code: string }).code,
    );
    expect(outcome).not.toBeUndefined();
  });
}
