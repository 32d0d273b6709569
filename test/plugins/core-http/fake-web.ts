import type { ActionNode, PluginDefinition, StepContext } from '@runtime-hub/plugin-sdk';
import {
  HttpOperations,
  HubError,
  type HttpRequest,
  type HttpResponse,
  type Json,
} from '@runtime-hub/plugin-sdk/contract';
import { Check } from 'typebox/value';
import httpPlugin from '../../../plugins/core-http/plugin.ts';

/** What the web does with the request number `at`, from 0. */
export type Answer = Partial<HttpResponse> | Error;

export interface FakeWeb {
  /** Every request as the hub would have got it, in order. */
  readonly requests: readonly HttpRequest[];
  /** How long was waited between requests, in order. */
  readonly waits: readonly number[];
  run(type: 'get' | 'send', config: object, inputs?: object): Promise<Record<string, Json>>;
}

/** Runs nodes of core/http against answers; a request that breaks the contract fails the test. */
export function fakeWeb(answer: (request: HttpRequest, at: number) => Answer): FakeWeb {
  const requests: HttpRequest[] = [];
  const waits: number[] = [];
  const call: StepContext['call'] = async (capability, operation, args) => {
    if (capability !== 'net.http' || operation !== 'request' || !isRequest(args))
      throw new Error(`breaks the contract: ${JSON.stringify(args)}`);
    const given = answer(args, requests.push(args) - 1);
    if (given instanceof Error) throw await Promise.resolve(given);
    const whole = { status: 200, url: args.url, headers: {}, sizeBytes: 0, ms: 1, ...given };
    if (!Check(HttpOperations.request.result, whole)) throw new Error('a wrong answer');
    return whole;
  };
  const sleep = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
  const own = { signal: new AbortController().signal, idempotencyKey: 'run-1:node' };
  // SAFETY: the nodes use nothing else of the context.
  const context = { ...own, call, sleep } as unknown as StepContext;
  return {
    requests,
    waits,
    async run(type, config, inputs = {}) {
      const node = nodeOf(httpPlugin, type);
      if (!Check(node.config, config)) throw new Error(`config of ${type} does not fit`);
      // SAFETY: checked against the node's schema; its own types are erased here.
      return json(await node.run({ config, inputs, context } as never));
    },
  };
}

function isRequest(args: unknown): args is HttpRequest {
  return Check(HttpOperations.request.args, args);
}

function nodeOf(plugin: PluginDefinition, type: string): ActionNode {
  const node = plugin.nodes.find((it) => it.type === type);
  if (node === undefined || !('run' in node)) throw new Error(`no action ${type}`);
  // SAFETY: a node taken from a list has its types erased.
  return node as ActionNode;
}

export const unreachable = (): Error =>
  new HubError('NET_UNREACHABLE', { host: 'api.test', detail: 'it refused the connection' });

export const jsonAnswer = (value: Json, headers: Record<string, string> = {}): Answer => ({
  headers,
  text: JSON.stringify(value),
});

// SAFETY: nodes give objects of ports; what leaves a host is JSON.
const json = (value: object) => JSON.parse(JSON.stringify(value)) as Record<string, Json>;
