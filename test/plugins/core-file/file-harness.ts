import { definePlugin, type Operation } from '@runtime-hub/plugin-sdk';
import { OPERATIONS, type Json } from '@runtime-hub/plugin-sdk/contract';
import filePlugin from '../../../plugins/core-file/plugin.ts';
import { fileStage, type StageOptions } from '../../studio/server/services/files/file-stage.ts';
import { createPluginHarness } from '../../support/plugin-harness.ts';

/** core/file on the hub's real services and real files; `before` may refuse a use, as the broker would. */
export function fileHarness(
  options: StageOptions = {},
  before: (operation: string) => void = () => {},
) {
  const stage = fileStage(options);
  const operationsOf = (capability: 'fs.read' | 'fs.write'): Readonly<Record<string, Operation>> =>
    Object.fromEntries(
      Object.keys(OPERATIONS[capability] ?? {}).map((operation): [string, Operation] => [
        operation,
        async ({ args, context }) => {
          before(operation);
          const { signal } = context;
          return await stage.call<Json>(capability, operation, args as Json, { signal });
        },
      ]),
    );
  const services = definePlugin({
    id: 'test/services',
    version: '1.0.0',
    title: 'Services',
    description: 'Stands for the hub.',
    engine: '*',
    runtime: 'process',
    permissions: [],
    provides: { 'fs.read': operationsOf('fs.read'), 'fs.write': operationsOf('fs.write') },
    nodes: [],
  });
  return { ...stage, stage, harness: createPluginHarness([filePlugin, services]) };
}
