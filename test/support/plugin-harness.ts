import { createHash, randomUUID } from 'node:crypto';
import type {
  ActionNode,
  PluginDefinition,
  StepContext,
  TriggerNode,
} from '@runtime-hub/plugin-sdk';
import {
  HubError,
  OPERATIONS,
  type BlobHandle,
  type CapabilityName,
  type Json,
} from '@runtime-hub/plugin-sdk/contract';
import { Check } from 'typebox/value';

/** Runs nodes of plugins in this process: capability calls go to the plugin that provides them, as the hub would. */
export interface PluginHarness {
  /** Every call of a capability, in order. */
  readonly calls: readonly { readonly operation: string; readonly args: Json }[];
  /** Every line that was logged. */
  readonly logged: readonly string[];
  call(capability: CapabilityName, operation: string, args: Json): Promise<Json>;
  /** `type` as in `core/screen:capture`. Rejects with what the node threw. */
  run(
    type: string,
    config: object,
    inputs?: object,
    signal?: AbortSignal,
  ): Promise<Record<string, Json>>;
  /** Resolves when the trigger ended after `signal` aborted. */
  listen(
    type: string,
    config: object,
    onEvent: (outputs: Record<string, Json>) => void,
    signal: AbortSignal,
  ): Promise<void>;
  blob(handle: BlobHandle): Uint8Array;
}

export function createPluginHarness(plugins: readonly PluginDefinition[]): PluginHarness {
  const blobs = new Map<string, Uint8Array>();
  const calls: { operation: string; args: Json }[] = [];
  const logged: string[] = [];

  const contextFor = (plugin: PluginDefinition, signal: AbortSignal): StepContext => ({
    signal,
    log: logger(logged),
    call: (capability, operation, args) => serve(plugin, capability, operation, args, signal),
    state: {
      get: () => Promise.resolve(null),
      set: () => Promise.resolve(),
      replace: () => Promise.resolve({ replaced: true, before: null }),
    },
    blobs: {
      read: (blob) => Promise.resolve(blobOf(blob)),
      write(bytes, mime) {
        const $blob = randomUUID().replaceAll('-', '');
        const copy = Uint8Array.from(bytes);
        blobs.set($blob, copy);
        const sha256 = createHash('sha256').update(copy).digest('hex');
        return Promise.resolve({ $blob, mime, sizeBytes: copy.length, sha256 });
      },
    },
    sleep: () => Promise.reject(new Error('not offered here')),
    run: 'run-00000000',
    workflow: 'test',
    node: 'node',
    attempt: 1,
    idempotencyKey: 'key',
  });

  const serve = async (
    caller: PluginDefinition,
    capability: CapabilityName,
    operation: string,
    args: Json,
    signal: AbortSignal,
  ): Promise<Json> => {
    calls.push({ operation, args });
    const provider = plugins.find((plugin) => plugin.provides?.[capability] !== undefined);
    const perform = provider?.provides?.[capability]?.[operation];
    const schema = OPERATIONS[capability]?.[operation];
    if (provider === undefined || perform === undefined || schema === undefined) {
      throw new HubError('CAPABILITY_UNAVAILABLE', { need: capability });
    }
    if (!Check(schema.args, args)) throw new Error(`args of ${operation} break the contract`);
    const context = { ...contextFor(provider, signal), caller: caller.id };
    // SAFETY: checked against the contract just above.
    const result = json(await perform({ args: args as never, context }));
    if (!Check(schema.result, result))
      throw new Error(`result of ${operation} breaks the contract`);
    return result;
  };

  const blobOf = (handle: BlobHandle): Uint8Array => {
    const bytes = blobs.get(handle.$blob);
    if (bytes === undefined) throw new HubError('BLOB_NOT_FOUND', { blob: handle.$blob });
    return bytes;
  };

  const find = (type: string): { plugin: PluginDefinition; node: ActionNode | TriggerNode } => {
    for (const plugin of plugins) {
      const node = plugin.nodes.find((candidate) => `${plugin.id}:${candidate.type}` === type);
      // SAFETY: schemas of a node taken from a list are only known at run time; config and inputs are checked below.
      if (node !== undefined) return { plugin, node: node as ActionNode | TriggerNode };
    }
    throw new Error(`no node ${type}`);
  };

  const never = new AbortController().signal;
  return {
    calls,
    logged,
    blob: blobOf,
    call: (capability, operation, args) => {
      const [first] = plugins;
      if (first === undefined) throw new Error('no plugins');
      return serve(first, capability, operation, args, never);
    },
    async run(type, config, inputs = {}, signal = never) {
      const { plugin, node } = find(type);
      if (!('run' in node)) throw new Error(`${type} is a trigger`);
      if (!Check(node.config, config)) throw new Error(`config of ${type} does not fit`);
      // SAFETY: as far as the schemas say, checked; the node's own types are erased here.
      const step = { config, inputs, context: contextFor(plugin, signal) } as never;
      return jsonObject(await node.run(step));
    },
    async listen(type, config, onEvent, signal) {
      const { plugin, node } = find(type);
      if (!('listen' in node)) throw new Error(`${type} is no trigger`);
      if (!Check(node.config, config)) throw new Error(`config of ${type} does not fit`);
      const emit = (outputs: object): Promise<void> => {
        onEvent(jsonObject(outputs));
        return Promise.resolve();
      };
      // SAFETY: as above.
      const trigger = { config, emit, context: contextFor(plugin, signal) } as never;
      await node.listen(trigger).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    },
  };
}

function logger(logged: string[]): StepContext['log'] {
  const keep = (text: string): void => void logged.push(text);
  return { debug: keep, info: keep, warn: keep, error: keep };
}

// SAFETY: what JSON.parse gives is Json.
const json = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;
// SAFETY: nodes give objects of ports.
const jsonObject = (value: object): Record<string, Json> => json(value) as Record<string, Json>;
