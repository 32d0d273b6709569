import type { AnyNode, PluginDefinition } from '../author/index.ts';
import { manifestOf } from '../author/index.ts';
import type { Json, JsonObject, NodeType } from '../contract/index.ts';
import { HubError } from '../contract/index.ts';
import { PluginCode } from '../runtime/plugin-code.ts';
import type { FakeBroker } from './fake-broker.ts';
import { requireValid } from './require-valid.ts';
import type { FakeAnswer, RecordedCall } from './world.ts';

export interface NodeTrial {
  readonly config?: JsonObject;
  readonly inputs?: JsonObject;
  /** Serves the node's calls as a hub would; see `fakeBroker`. */
  readonly broker?: FakeBroker;
  /** Without a broker, bare answers by `capability.operation`, e.g. `state.get`; a call without one is refused with CAPABILITY_DENIED. */
  readonly calls?: Readonly<Record<string, FakeAnswer>>;
  readonly attempt?: number;
}

export interface NodeResult {
  readonly outputs: JsonObject;
  readonly calls: readonly RecordedCall[];
  readonly logs: readonly string[];
}

/**
 * Runs one action node in this process through the checks a hub makes: config, inputs and outputs against the
 * node's schemas, its calls through the broker of the test. Rejects with STEP_INPUT_INVALID, STEP_OUTPUT_INVALID or the node's own error.
 */
export async function testNode(
  definition: PluginDefinition,
  type: string,
  trial: NodeTrial = {},
): Promise<NodeResult> {
  const nodeType = manifestOf(definition).nodes.find((node) => node.type === type);
  if (nodeType === undefined) throw new Error(`${definition.id} has no node type ${type}`);
  const { config = {}, inputs = {} } = trial;
  requireValid('STEP_INPUT_INVALID', nodeType.config, config);
  requireValid('STEP_INPUT_INVALID', inputSchema(nodeType), inputs);
  const stand = new TestStand(definition, answersOf(trial));
  const outputs = await stand.run(type, { config, inputs, attempt: trial.attempt ?? 1 });
  requireValid('STEP_OUTPUT_INVALID', portsSchema(nodeType.outputs, []), outputs);
  return { outputs, calls: stand.calls, logs: stand.logs };
}

interface Answer {
  readonly ok: boolean;
  readonly value?: Json;
  readonly error?: { readonly code: string; readonly message: string; readonly data: Json };
}

/** Stands where the hub stands: runs a step through the real plugin code and answers its calls. */
class TestStand {
  readonly calls: RecordedCall[] = [];
  readonly logs: string[] = [];
  readonly #answer: (call: RecordedCall) => Json;
  readonly #code: PluginCode;
  readonly #done = Promise.withResolvers<JsonObject>();

  constructor(definition: PluginDefinition, answer: (call: RecordedCall) => Json) {
    this.#answer = answer;
    this.#code = new PluginCode(
      { ...definition, nodes: definition.nodes.filter(isAction) },
      {
        send: (text) => {
          this.#take(JSON.parse(text) as Frame);
        },
        after: (_ms, fn) => {
          setImmediate(fn);
        },
        abortController: () => new AbortController(),
        blobs: (call) => ({
          read: async (blob: JsonObject) => {
            const base64 = await call('blobs', 'read', blob);
            return new Uint8Array(Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64'));
          },
          write: (_bytes: Uint8Array, mime: string) => call('blobs', 'put', { mime }),
        }),
      },
    );
  }

  async run(
    type: string,
    values: { readonly config: JsonObject; readonly inputs: JsonObject; readonly attempt: number },
  ): Promise<JsonObject> {
    const step = { node: 'node', type: `test:${type}`, config: {}, inputs: {}, links: {} };
    this.#code.receive({ t: 'define', segment: 's', steps: [step] });
    const facts = { run: 'test-run', workflow: 'test', deadlineMs: 60_000 };
    this.#code.receive({ t: 'run', id: 1, segment: 's', ...facts, values: { node: values } });
    return await this.#done.promise;
  }

  #take(frame: Frame): void {
    if (frame.t === 'log') this.logs.push(frame.text);
    if (frame.t === 'call') queueMicrotask(() => this.#serve(frame));
    if (frame.t !== 'reply') return;
    const report = frame.value[0];
    if (report?.ok === true) this.#done.resolve(report.outputs);
    else this.#done.reject(errorFrom(report?.error));
  }

  #serve(frame: Extract<Frame, { t: 'call' }>): void {
    const { id, capability, operation, args } = frame;
    this.calls.push({ capability, operation, args });
    const answer = this.#reply({ capability, operation, args });
    // SAFETY: the answer has the form of a reply; the plugin code reads only code, message and data of its error.
    this.#code.receive({ t: 'reply', id, ...answer } as never);
  }

  #reply(call: RecordedCall): Answer {
    try {
      return { ok: true, value: this.#answer(call) };
    } catch (error) {
      const known = error as { code?: string; message: string; data?: Json };
      const { code = 'STEP_FAILED', message, data = null } = known;
      return { ok: false, error: { code, message, data } };
    }
  }
}

/** Who answers the node: the broker of the test, else its bare answers. */
function answersOf({ broker, calls = {} }: NodeTrial): (call: RecordedCall) => Json {
  if (broker !== undefined) return (call) => broker.answer(call);
  return (call) => {
    const need = `${call.capability}.${call.operation}`;
    const answer = calls[need];
    if (answer === undefined) throw new HubError('CAPABILITY_DENIED', { plugin: 'test', need });
    return typeof answer === 'function' ? answer(call) : answer;
  };
}

type Frame =
  | { readonly t: 'log'; readonly text: string }
  | ({ readonly t: 'call'; readonly id: number } & RecordedCall)
  | { readonly t: 'cancel' }
  | {
      readonly t: 'reply';
      readonly value: readonly {
        readonly ok: boolean;
        readonly outputs: JsonObject;
        readonly error?: { readonly code: string; readonly message: string; readonly data: Json };
      }[];
    };

function isAction(node: AnyNode): boolean {
  return !('listen' in node);
}

function errorFrom(error: { code: string; message: string; data: Json } | undefined): Error {
  const { code = 'STEP_FAILED', message = 'the node gave nothing', data = null } = error ?? {};
  return Object.assign(new Error(message), { code, data });
}

function inputSchema(node: NodeType): JsonObject {
  const optional = new Set(node.optionalInputs);
  const required = Object.keys(node.inputs).filter((name) => !optional.has(name));
  return portsSchema(node.inputs, node.join === 'all' ? required : []);
}

function portsSchema(ports: JsonObject, required: readonly string[]): JsonObject {
  return { type: 'object', properties: ports, required, additionalProperties: false };
}
