import type { Json, JsonObject, SegmentStep, StepValues } from '../contract/index.ts';
import type { ActionNode } from '../author/define.ts';
import type { Scope } from './scope.ts';
import { thrown } from './scope.ts';

/** A step made ready for many runs: its node found, its unchanging values frozen. */
export interface ReadyStep {
  readonly step: SegmentStep;
  readonly node: ActionNode | undefined;
  readonly links: readonly (readonly [input: string, from: string, port: string])[];
  /** How its report begins when it succeeds. */
  readonly head: string;
}

export interface RunFacts {
  readonly run: string;
  readonly workflow: string;
  readonly values: Readonly<Record<string, StepValues>>;
}

const NOTHING: StepValues = {};

/** Makes a segment's steps ready. */
export function readySteps(
  steps: readonly SegmentStep[],
  nodes: ReadonlyMap<string, ActionNode>,
): readonly ReadyStep[] {
  return steps.map((step) => ({
    step: deepFreeze(step),
    node: nodes.get(step.type.slice(step.type.indexOf(':') + 1)),
    links: Object.entries(step.links).map(([input, { from, port }]) => [input, from, port]),
    head: `{"node":${JSON.stringify(step.node)},"ok":true,"outputs":`,
  }));
}

/** Runs the steps in order, without a turn of the event loop while they are synchronous; `done` gets the reports as JSON text. */
export function runSteps(
  steps: readonly ReadyStep[],
  facts: RunFacts,
  scope: Scope,
  done: (reports: string) => void,
): void {
  new SegmentRun(steps, facts, scope, done).go();
}

class SegmentRun {
  readonly #steps: readonly ReadyStep[];
  readonly #facts: RunFacts;
  readonly #scope: Scope;
  readonly #done: (reports: string) => void;
  readonly #given = new Map<string, { readonly text: string; readonly outputs: JsonObject }>();
  #reports = '';
  #at = 0;

  constructor(
    steps: readonly ReadyStep[],
    facts: RunFacts,
    scope: Scope,
    done: (reports: string) => void,
  ) {
    this.#steps = steps;
    this.#facts = facts;
    this.#scope = scope;
    this.#done = done;
  }

  go(): void {
    while (this.#at < this.#steps.length) {
      const ready = this.#steps[this.#at++];
      const inputs = ready === undefined ? null : this.#inputs(ready);
      if (ready === undefined || inputs === null) continue;
      if (this.#start(ready, inputs) === 'later') return;
    }
    this.#done(`[${this.#reports}]`);
  }

  /** Null when a link brought nothing. */
  #inputs(ready: ReadyStep): Record<string, Json> | null {
    const values = this.#facts.values[ready.step.node] ?? NOTHING;
    const inputs: Record<string, Json> = { ...ready.step.inputs, ...values.inputs };
    for (const [input, from, port] of ready.links) {
      const given = this.#given.get(from);
      if (given === undefined) return null;
      if (input === 'run' || port === 'done') continue;
      const value = given.outputs[port];
      if (value === undefined) return null;
      // A copy of its own for each reader: what one step does to a value is not seen by another.
      inputs[input] = typeof value === 'object' ? parsedPort(given.text, port) : value;
    }
    return inputs;
  }

  #start(ready: ReadyStep, inputs: JsonObject): 'now' | 'later' {
    const { step, node } = ready;
    const startedAt = Date.now();
    try {
      if (node === undefined) throw new Error(`the plugin has no node type ${step.type}`);
      const values = this.#facts.values[step.node] ?? NOTHING;
      const config =
        values.config === undefined ? step.config : { ...step.config, ...values.config };
      const context = () => this.#context(step.node, values.attempt ?? 1);
      // SAFETY: config and inputs were checked against this node's schemas; the types are erased here.
      const given = node.run(new StepArguments(config, inputs, context) as never) as unknown;
      if (isThenable(given)) {
        void this.#later(ready, given, startedAt);
        return 'later';
      }
      this.#succeed(ready, given, startedAt);
    } catch (error) {
      this.#fail(step.node, error, startedAt);
    }
    return 'now';
  }

  async #later(ready: ReadyStep, given: PromiseLike<unknown>, startedAt: number): Promise<void> {
    try {
      this.#succeed(ready, await given, startedAt);
    } catch (error) {
      this.#fail(ready.step.node, error, startedAt);
    }
    this.go();
  }

  #context(node: string, attempt: number) {
    const { run, workflow } = this.#facts;
    const own = { run, workflow, node, attempt, idempotencyKey: `${run}:${node}` };
    return Object.assign(this.#scope.common(node), own);
  }

  #succeed(ready: ReadyStep, outputs: unknown, startedAt: number): void {
    const text = JSON.stringify(outputs ?? {});
    if (text === undefined || !text.startsWith('{')) throw new Error('the outputs are no object');
    // SAFETY: its text begins as an object's; what its ports hold is checked outside the isolate.
    this.#given.set(ready.step.node, { text, outputs: (outputs ?? {}) as JsonObject });
    this.#report(`${ready.head}${text},"ms":${String(Date.now() - startedAt)}}`);
  }

  #fail(node: string, error: unknown, startedAt: number): void {
    const ms = Date.now() - startedAt;
    this.#at = this.#steps.length;
    this.#report(JSON.stringify({ node, ok: false, error: thrown(error), ms }));
  }

  #report(text: string): void {
    this.#reports = this.#reports === '' ? text : `${this.#reports},${text}`;
  }
}

/** What `run` receives; the context is made when plugin code first looks at it, so a pure step pays nothing for it. */
class StepArguments {
  readonly config: JsonObject;
  readonly inputs: JsonObject;
  readonly #make: () => object;
  #context: object | null = null;

  constructor(config: JsonObject, inputs: JsonObject, make: () => object) {
    this.config = config;
    this.inputs = inputs;
    this.#make = make;
  }

  get context(): object {
    this.#context ??= this.#make();
    return this.#context;
  }
}

function parsedPort(text: string, port: string): Json {
  // SAFETY: the text was made by JSON.stringify of an object.
  return (JSON.parse(text) as JsonObject)[port] ?? null;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
