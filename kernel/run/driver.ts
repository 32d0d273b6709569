import {
  HubError,
  reportOf,
  type CapabilityName,
  type HubEvent,
  type Json,
  type JsonObject,
  type Permission,
  type PluginId,
  type Problem,
  type RunId,
  type StepValues,
} from '@runtime-hub/plugin-sdk/contract';
import type {
  Clock,
  EventSink,
  Ids,
  Journal,
  JournalEntry,
  PluginSource,
  RunRecord,
  StepExecutor,
  TriggerListener,
} from '../ports.ts';
import { resolveBindings } from '../workflow/bindings.ts';
import { segmentSteps, type Plan } from '../workflow/plan.ts';
import { schemaProblems } from '../workflow/validate-workflow.ts';
import { advance, type Effect, type Fact, type Input, type RunState } from './machine.ts';
import type { Scheduler } from './scheduler.ts';

/** Says which permissions a step still lacks. */
export interface PermissionPort {
  missing(
    plugin: PluginId,
    uses: readonly CapabilityName[],
    context: { readonly run: RunId; readonly workflow: string; readonly node: string },
  ): readonly Permission[];
}

export interface EnginePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly journal: Journal;
  readonly plugins: PluginSource;
  readonly executor: StepExecutor;
  readonly listener: TriggerListener;
  readonly permissions: PermissionPort;
  readonly events: EventSink;
  readonly limits?: { readonly maxParallelSteps?: number };
}

export interface RunOutcome {
  readonly run: RunId;
  readonly status: 'succeeded' | 'failed' | 'cancelled';
  readonly error: HubError | null;
  readonly ms: number;
}

const MAX_EVENT_OUTPUT = 4096;

/** One live run: journals inputs, then performs what `advance` asks for. */
export class Driver {
  readonly record: RunRecord;
  readonly plan: Plan;
  readonly finished: Promise<RunOutcome>;
  #state: RunState;
  #seq: number;
  #durable: Promise<void> = Promise.resolve();
  #closed = false;
  readonly #epoch: number;
  readonly #ports: EnginePorts;
  readonly #scheduler: Scheduler;
  readonly #aborts = new Map<number, AbortController>();
  readonly #timers = new Map<number, Disposable>();
  readonly #settle: PromiseWithResolvers<RunOutcome> = Promise.withResolvers();

  constructor(options: {
    record: RunRecord;
    plan: Plan;
    state: RunState;
    seq: number;
    epoch: number;
    ports: EnginePorts;
    scheduler: Scheduler;
  }) {
    this.record = options.record;
    this.plan = options.plan;
    this.#state = options.state;
    this.#seq = options.seq;
    this.#epoch = options.epoch;
    this.#ports = options.ports;
    this.#scheduler = options.scheduler;
    this.finished = this.#settle.promise;
    this.finished.catch(() => undefined);
  }

  get state(): RunState {
    return this.#state;
  }

  /** Starts a new run: that it was created is in the journal already. */
  begin(): void {
    this.#apply({ type: 'run.started' });
  }

  /** Journals an input and performs what follows; completions wait for the disk only before external effects. */
  feed(input: Input): void {
    if (this.#closed || this.#state.status !== 'running') return;
    this.#append(input);
    this.#apply(input);
  }

  #apply(input: Input): void {
    const { state, effects, facts } = advance(this.plan, this.#state, input);
    this.#state = state;
    for (const fact of facts) this.#tell(fact);
    for (const effect of effects) this.#perform(effect);
  }

  /** Stops everything without ending the run. */
  close(): void {
    this.#closed = true;
    for (const abort of this.#aborts.values())
      abort.abort(new HubError('STEP_CANCELLED', { reason: 'the hub stops' }));
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
  }

  permissionsChanged(plugin: PluginId): void {
    this.plan.nodes.forEach((node, i) => {
      if (node.plugin !== plugin || this.#state.nodes[i] !== 'waiting') return;
      if (this.#missing(i).length === 0) this.feed({ type: 'permission.granted', node: node.name });
    });
  }

  #append(input: Input): void {
    this.#seq += 1;
    // SAFETY: inputs are plain JSON by their type.
    const entry: JournalEntry = {
      seq: this.#seq,
      at: this.#ports.clock.now(),
      input: input as unknown as Json,
    };
    this.#durable = this.#ports.journal.append(this.record.id, this.#epoch, [entry]);
    this.#durable.catch((error: unknown) => this.#lost(error));
  }

  /** The journal refuses: another hub owns the run, or the disk failed. Nothing more may happen. */
  #lost(error: unknown): void {
    this.close();
    this.#settle.reject(error);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'run-segment':
        this.#scheduler.add(
          this.record.id,
          async () => await this.#run(effect.first, effect.members),
        );
        return;
      case 'set-timer': {
        const node = this.plan.nodes[effect.node]?.name ?? '';
        const fire = (): void => this.feed({ type: 'timer.fired', node });
        this.#timers.set(effect.node, this.#ports.clock.after(effect.ms, fire));
        return;
      }
      case 'cancel-segment':
        this.#aborts
          .get(effect.first)
          ?.abort(new HubError('STEP_CANCELLED', { reason: 'the run ended' }));
        return;
      case 'ask-permission':
        return;
      case 'finish':
        void this.#finish(effect).catch((error: unknown) => this.#lost(error));
    }
  }

  async #run(first: number, members: readonly number[]): Promise<void> {
    const node = this.plan.nodes[first];
    if (node === undefined || this.#closed || this.#state.nodes[first] !== 'running') return;
    const permissions = this.#missing(first);
    if (permissions.length > 0) {
      const { plugin, name } = node;
      this.#emit({
        type: 'step.waiting',
        ...this.#step(first),
        plugin,
        permissions: [...permissions],
      });
      this.#emit({
        type: 'run.waiting',
        run: this.record.id,
        reason: `${name} needs a permission of ${plugin}`,
      });
      return this.feed({ type: 'permission.waiting', node: name });
    }
    const abort = new AbortController();
    this.#aborts.set(first, abort);
    try {
      const reports = await this.#execute(first, members, abort.signal);
      this.feed({ type: 'steps.finished', first: node.name, reports });
    } catch (error) {
      this.feed({ type: 'segment.failed', node: node.name, error: reportOf(error) });
    } finally {
      this.#aborts.delete(first);
    }
  }

  async #execute(
    first: number,
    members: readonly number[],
    signal: AbortSignal,
  ): ReturnType<StepExecutor['run']> {
    const node = this.plan.nodes[first];
    if (node === undefined) return [];
    const values = this.#values(first);
    if (node.nodeType.effect === 'external')
      this.#append({ type: 'step.intended', node: node.name });
    this.#state.intended[first] = node.nodeType.effect === 'external' ? 1 : 0;
    if (node.nodeType.effect === 'external') await this.#durable;
    signal.throwIfAborted();
    this.#emit({
      type: 'step.started',
      ...this.#step(first),
      attempt: (this.#state.attempts[first] ?? 0) + 1,
    });
    const last = this.plan.nodes[members.at(-1) ?? first];
    const request = {
      run: this.record.id,
      workflow: this.record.workflow.name,
      plugin: node.plugin,
      segment: `${node.name}..${last?.name ?? ''}`,
      steps: segmentSteps(this.plan, members),
      values: { [node.name]: values },
      deadlineMs: members.reduce(
        (sum, member) => sum + (this.plan.nodes[member]?.timeoutMs ?? 0),
        0,
      ),
    };
    return await this.#ports.executor.run(request, signal);
  }

  /** Config and inputs of a segment's first step. Throws STEP_EXPRESSION_FAILED, STEP_INPUT_INVALID. */
  #values(first: number): StepValues {
    const node = this.plan.nodes[first];
    if (node === undefined) return {};
    const arrived: Record<string, Json> = {};
    for (const edge of this.plan.incoming[first] ?? []) {
      const [out, into] = this.plan.ports[edge] ?? ['', ''];
      const value = this.#state.outputs[this.plan.from[edge] ?? -1]?.[out];
      if (value !== undefined && into !== 'run' && !Object.hasOwn(arrived, into))
        arrived[into] = value;
    }
    const steps = Object.fromEntries(
      node.reads.flatMap((read) => {
        const outputs = this.#state.outputs[read];
        return outputs == null ? [] : [[this.plan.nodes[read]?.name ?? '', outputs]];
      }),
    );
    const scope = {
      inputs: arrived,
      steps,
      trigger: this.record.trigger?.outputs ?? {},
      run: { id: this.record.id },
    };
    // SAFETY: resolving an object of values gives an object.
    const config = (
      node.bound ? resolveBindings(node.config, scope, '/config') : node.config
    ) as JsonObject;
    const given = (
      node.bound ? resolveBindings(node.inputs, scope, '/inputs') : node.inputs
    ) as JsonObject;
    const inputs = { ...given, ...arrived };
    const problems: Problem[] = [...schemaProblems(node.nodeType.config, config, '/config')];
    for (const [port, value] of Object.entries(inputs)) {
      const schema = node.nodeType.inputs[port];
      if (schema !== undefined) problems.push(...schemaProblems(schema, value, `/inputs/${port}`));
    }
    if (problems.length > 0) throw new HubError('STEP_INPUT_INVALID', { problems });
    return { config, inputs, attempt: (this.#state.attempts[first] ?? 0) + 1 };
  }

  async #finish(effect: Extract<Effect, { type: 'finish' }>): Promise<void> {
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    const at = this.#ports.clock.now();
    const { status, error } = effect;
    await this.#ports.journal.end(this.record.id, this.#epoch, status, at);
    const ms = at - this.record.createdAt;
    const workflow = this.record.workflow.name;
    this.#emit({
      type: 'run.finished',
      run: this.record.id,
      workflow,
      status,
      ms,
      ...(error === null ? {} : { error }),
    });
    const problem =
      error === null
        ? null
        : new HubError('STEP_FAILED', { message: `${error.code}: ${error.message}` });
    this.#settle.resolve({ run: this.record.id, status, error: problem, ms });
  }

  #missing(node: number): readonly Permission[] {
    const spec = this.plan.nodes[node];
    if (spec === undefined || spec.nodeType.uses.length === 0) return [];
    const context = { run: this.record.id, workflow: this.record.workflow.name, node: spec.name };
    return this.#ports.permissions.missing(spec.plugin, spec.nodeType.uses, context);
  }

  #step(node: number): { run: RunId; node: string; nodeType: string } {
    const spec = this.plan.nodes[node];
    return {
      run: this.record.id,
      node: spec?.name ?? '',
      nodeType: `${spec?.plugin ?? ''}:${spec?.type ?? ''}`,
    };
  }

  #tell(fact: Fact): void {
    const step = this.#step(fact.node);
    const { ms, error } = fact;
    if (fact.status === 'skipped' || fact.status === 'unknown')
      return this.#emit({ type: `step.${fact.status}`, ...step });
    if (fact.status === 'failed') {
      const attempt = this.#state.attempts[fact.node] ?? 1;
      const retry = fact.retryInMs === undefined ? {} : { retryInMs: fact.retryInMs };
      if (error !== undefined)
        this.#emit({ type: 'step.failed', ...step, attempt, error, ...retry });
      return;
    }
    const outputs = fact.outputs ?? {};
    const small = JSON.stringify(outputs).length <= MAX_EVENT_OUTPUT;
    this.#emit({ type: 'step.finished', ...step, ms, ...(small ? { outputs } : {}) });
  }

  #emit(
    event: HubEvent extends infer E ? (E extends HubEvent ? Omit<E, 'at'> : never) : never,
  ): void {
    // SAFETY: an event without `at` plus `at` is that event.
    this.#ports.events.emit({ ...event, at: this.#ports.clock.now() } as HubEvent);
  }
}
