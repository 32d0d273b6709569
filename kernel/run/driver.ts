import {
  HubError,
  reportOf,
  type ErrorReport,
  type HubEvent,
  type Json,
  type Permission,
  type PluginId,
  type RunId,
} from '@runtime-hub/plugin-sdk/contract';
import type {
  Clock,
  EventSink,
  Ids,
  Journal,
  JournalEntry,
  NodeUses,
  PluginSource,
  RunRecord,
  StepExecutor,
  TriggerListener,
} from '../ports.ts';
import { segmentSteps, type Plan, type PlanNode } from '../workflow/plan.ts';
import { advance } from './machine.ts';
import type { Effect, EndStatus, Fact, Input, RunState } from './run-state.ts';
import type { Scheduler } from './scheduler.ts';
import { stepValues } from './step-values.ts';

/** Says which permissions a step still lacks; throws CAPABILITY_DENIED when a person refused one. */
export interface PermissionPort {
  missing(node: NodeUses, workspace: string): readonly Permission[];
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
  readonly limits?: {
    readonly maxParallelSteps?: number;
    /** The longest an attempt at one step of a plugin may take, whatever its node says. */
    readonly stepMs?: (plugin: PluginId) => number;
  };
}

export interface RunOutcome {
  readonly run: RunId;
  readonly status: EndStatus;
  readonly error: ErrorReport | null;
  readonly ms: number;
}

/** A run to go on with: its state after the journal's entry `seq`, under `epoch`. */
export interface DrivenRun {
  readonly record: RunRecord;
  readonly plan: Plan;
  readonly state: RunState;
  readonly seq: number;
  readonly epoch: number;
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

  constructor(run: DrivenRun, ports: EnginePorts, scheduler: Scheduler) {
    this.record = run.record;
    this.plan = run.plan;
    this.#state = run.state;
    this.#seq = run.seq;
    this.#epoch = run.epoch;
    this.#ports = ports;
    this.#scheduler = scheduler;
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

  /** Resolves when all that was fed so far is durable. */
  get durable(): Promise<void> {
    return this.#durable;
  }

  /** Journals an input and performs what follows; only external effects wait for the disk. */
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
      try {
        if (this.#missing(i).length > 0) return;
        this.feed({ type: 'permission.granted', node: node.name });
      } catch (error) {
        this.feed({ type: 'permission.denied', node: node.name, error: reportOf(error) });
      }
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
      case 'finish':
        void this.#finish(effect).catch((error: unknown) => this.#lost(error));
    }
  }

  async #run(first: number, members: readonly number[]): Promise<void> {
    const node = this.plan.nodes[first];
    if (node === undefined || this.#closed || this.#state.nodes[first] !== 'running') return;
    const abort = new AbortController();
    this.#aborts.set(first, abort);
    try {
      const permissions = this.#missing(first);
      if (permissions.length > 0) return this.#wait(node, first, permissions);
      const reports = await this.#execute(first, members, abort.signal);
      this.feed({ type: 'steps.finished', first: node.name, reports });
    } catch (error) {
      this.feed({ type: 'segment.failed', node: node.name, error: reportOf(error) });
    } finally {
      this.#aborts.delete(first);
    }
  }

  #wait(node: PlanNode, first: number, permissions: readonly Permission[]): void {
    const { plugin, name } = node;
    const step = this.#step(first);
    this.#emit({ type: 'step.waiting', ...step, plugin, permissions: [...permissions] });
    this.#emitWaiting(`${name} needs a permission of ${plugin}`);
    this.feed({ type: 'permission.waiting', node: name });
  }

  async #execute(
    first: number,
    members: readonly number[],
    signal: AbortSignal,
  ): ReturnType<StepExecutor['run']> {
    const node = this.plan.nodes[first];
    if (node === undefined) return [];
    const values = stepValues(this.plan, this.#state, first);
    if (node.nodeType.effect === 'external') {
      this.feed({ type: 'step.intended', node: node.name });
      await this.#durable;
    }
    signal.throwIfAborted();
    const attempt = (this.#state.attempts[first] ?? 0) + 1;
    this.#emit({ type: 'step.started', ...this.#step(first), attempt });
    const most = this.#ports.limits?.stepMs?.(node.plugin) ?? Infinity;
    const timeouts = members.map((it) => Math.min(most, this.plan.nodes[it]?.timeoutMs ?? 0));
    const request = {
      run: this.record.id,
      workflow: this.record.workflow.name,
      workspace: this.record.workspace,
      plugin: node.plugin,
      version: node.version,
      steps: segmentSteps(this.plan, members),
      values: { [node.name]: values },
      deadlineMs: timeouts.reduce((sum, ms) => sum + ms, 0),
    };
    return await this.#ports.executor.run(request, signal);
  }

  async #finish(effect: Extract<Effect, { type: 'finish' }>): Promise<void> {
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    const at = this.#ports.clock.now();
    const { status, error } = effect;
    await this.#ports.journal.end(this.record.id, this.#epoch, status, at);
    const run = this.record.id;
    const ms = at - this.record.createdAt;
    const about = { run, workflow: this.record.workflow.name, status, ms };
    this.#emit({ type: 'run.finished', ...about, ...(error === null ? {} : { error }) });
    this.#settle.resolve({ run, status, error, ms });
  }

  #missing(node: number): readonly Permission[] {
    const spec = this.plan.nodes[node];
    if (spec === undefined || spec.nodeType.uses.length === 0) return [];
    return this.#ports.permissions.missing(spec, this.record.workspace);
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
    if (fact.status === 'skipped' || fact.status === 'unknown') {
      this.#emit({ type: `step.${fact.status}`, ...step });
      if (this.#state.nodes[fact.node] === 'unknown')
        this.#emitWaiting(`nobody knows whether ${step.node} was done`);
      return;
    }
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

  #emitWaiting(reason: string): void {
    this.#emit({ type: 'run.waiting', run: this.record.id, reason });
  }

  #emit(
    event: HubEvent extends infer E ? (E extends HubEvent ? Omit<E, 'at'> : never) : never,
  ): void {
    // SAFETY: an event without `at` plus `at` is that event.
    this.#ports.events.emit({ ...event, at: this.#ports.clock.now() } as HubEvent);
  }
}
