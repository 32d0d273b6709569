import type { JsonObject, StepReport } from '@runtime-hub/plugin-sdk/contract';
import { advance } from '../../../kernel/run/machine.ts';
import {
  initialState,
  type Effect,
  type Fact,
  type Input,
  type NodeStatus,
  type RunState,
} from '../../../kernel/run/run-state.ts';
import type { Plan } from '../../../kernel/workflow/plan.ts';
import { RUN, notOk, ok } from './sketch.ts';
import {
  broken,
  cancelled,
  crashed,
  denied,
  recovered,
  started,
  timedOut,
  wrongInput,
} from './trace.ts';

/** A number below `limit`: what the world does next. */
export type Choose = (limit: number) => number;

/** A driver without a clock or hosts: it answers the machine's effects as chosen and watches what the machine does. */
export class Play {
  readonly plan: Plan;
  readonly inputs: Input[] = [];
  /** The state after each input, before the first one as well. */
  readonly states: RunState[] = [];
  /** Every broken rule, in words; empty when the machine is right. */
  readonly faults: string[] = [];
  readonly effects: Effect[] = [];
  readonly ends: Extract<Effect, { type: 'finish' }>[] = [];
  readonly flights = new Map<number, readonly number[]>();
  readonly timers = new Set<number>();
  readonly waiting = new Set<number>();
  readonly settled = new Map<number, Fact>();
  readonly #choose: Choose;
  #state: RunState;

  constructor(plan: Plan, choose: Choose, trigger: RunState['trigger'] = null) {
    this.plan = plan;
    this.#choose = choose;
    this.#state = initialState(plan, RUN, trigger);
    this.states.push(structuredClone(this.#state));
  }

  /** Plays a new run until it ends, gives up after `limit` inputs. */
  toTheEnd(limit: number): void {
    this.feed(started);
    this.#goOn(limit);
  }

  /** Plays a run on from `journal`, as after a crash. */
  recover(journal: readonly Input[], limit: number): void {
    for (const input of journal) this.feed(input);
    if (this.ends.length > 0) return;
    this.feed(recovered);
    this.#goOn(limit);
  }

  #goOn(limit: number): void {
    while (this.ends.length === 0 && this.inputs.length < limit) {
      const options = this.#options();
      if (options.length === 0) break;
      options[this.#choose(options.length)]?.();
    }
    if (this.ends.length === 0) this.faults.push('the run did not end');
  }

  feed(input: Input): void {
    this.inputs.push(input);
    this.#answered(input);
    const turn = advance(this.plan, this.#state, input);
    this.#state = turn.state;
    this.states.push(structuredClone(this.#state));
    for (const fact of turn.facts) this.#see(fact);
    for (const effect of turn.effects) this.#take(effect);
    const limit = this.plan.document.settings?.maxParallelSteps ?? 64;
    if (this.flights.size > limit) this.faults.push(`${String(this.flights.size)} in flight`);
  }

  // ---- what the world may do next, the calmest first -----------------------------------------------------------

  #options(): (() => void)[] {
    const unknown = this.#all('unknown').map((node) => (): void => this.#resolve(node));
    return [
      ...[...this.flights].map(
        ([first, members]) =>
          (): void =>
            this.#answer(first, members),
      ),
      ...[...this.timers].map((node) => (): void => this.#feedNode('timer.fired', node)),
      ...[...this.waiting].map((node) => (): void => this.#feedNode('permission.granted', node)),
      ...[...this.waiting].map((node) => (): void => this.#deny(node)),
      ...unknown,
      ...(this.#choose(12) === 11 ? [(): void => this.feed(recovered)] : []),
      ...(this.#choose(40) === 39 ? [(): void => this.feed(cancelled)] : []),
    ];
  }

  #all(status: NodeStatus): number[] {
    return this.plan.nodes.flatMap((_, i) => (this.#state.nodes[i] === status ? [i] : []));
  }

  #answer(first: number, members: readonly number[]): void {
    const spec = this.plan.nodes[first];
    const node = this.#name(first);
    if (spec !== undefined && spec.nodeType.uses.length > 0 && this.#choose(3) === 2)
      return this.feed({ type: 'permission.waiting', node });
    if (spec?.nodeType.effect === 'external' && this.#state.intended[first] !== 1) {
      if (this.#choose(5) < 4) return this.feed({ type: 'step.intended', node });
      return this.feed({ type: 'segment.failed', node, error: wrongInput });
    }
    const error = [null, null, null, timedOut, crashed][this.#choose(5)] ?? null;
    if (error !== null) return this.feed({ type: 'segment.failed', node, error });
    this.feed({ type: 'steps.finished', first: node, reports: this.#reports(members) });
  }

  /** As a host reports: in order, up to the first error or the first link that brought nothing. */
  #reports(members: readonly number[]): StepReport[] {
    const reports: StepReport[] = [];
    for (const [i, member] of members.entries()) {
      const name = this.#name(member);
      const error = [null, null, null, broken, wrongInput][this.#choose(5)] ?? null;
      if (error !== null) return [...reports, notOk(name, error)];
      const outputs = this.#outputs();
      reports.push(ok(name, outputs));
      const link = this.plan.incoming[members[i + 1] ?? -1]?.[0];
      const port = this.plan.ports[link ?? -1]?.[0] ?? 'done';
      if (port !== 'done' && !Object.hasOwn(outputs, port)) break;
    }
    return reports;
  }

  #outputs(): JsonObject {
    const which = this.#choose(4);
    return { ...(which === 3 ? {} : { out: 1 }), ...(which % 2 === 0 ? { yes: 1 } : { no: 1 }) };
  }

  #feedNode(type: 'timer.fired' | 'permission.granted', node: number): void {
    this.feed({ type, node: this.#name(node) });
  }

  #deny(node: number): void {
    this.feed({ type: 'permission.denied', node: this.#name(node), error: denied });
  }

  #resolve(node: number): void {
    const as = (['done', 'retry', 'fail'] as const)[this.#choose(3)] ?? 'done';
    this.feed({ type: 'resolved', node: this.#name(node), as });
  }

  /** What is no longer under way once the machine has heard `input`; a crash takes all of it. */
  #answered(input: Input): void {
    if (input.type === 'recovered')
      for (const kept of [this.flights, this.timers, this.waiting]) kept.clear();
    if (input.type === 'steps.finished') this.flights.delete(this.#index(input.first));
    if (!('node' in input)) return;
    const node = this.#index(input.node);
    if (input.type === 'timer.fired') this.timers.delete(node);
    if (input.type === 'permission.granted' || input.type === 'permission.denied')
      this.waiting.delete(node);
    if (input.type === 'permission.waiting') this.waiting.add(node);
    if (input.type === 'permission.waiting' || input.type === 'segment.failed')
      this.flights.delete(node);
  }

  // ---- what the machine must not do ----------------------------------------------------------------------------

  #see(fact: Fact): void {
    if (fact.status === 'unknown' || fact.retryInMs !== undefined) return;
    if (this.settled.has(fact.node)) this.faults.push(`${this.#name(fact.node)} ended twice`);
    this.settled.set(fact.node, fact);
  }

  #take(effect: Effect): void {
    this.effects.push(effect);
    if (this.ends.length > 0) this.faults.push(`${effect.type} after the end`);
    switch (effect.type) {
      case 'run-segment':
        this.#checkStart(effect.first, effect.members);
        this.flights.set(effect.first, effect.members);
        return;
      case 'set-timer':
        this.timers.add(effect.node);
        return;
      case 'cancel-segment':
        if (!this.flights.delete(effect.first))
          this.faults.push('cancelled what was not in flight');
        return;
      case 'finish':
        this.ends.push(effect);
    }
  }

  #checkStart(first: number, members: readonly number[]): void {
    const flying = new Set([...this.flights.values()].flat());
    for (const [i, member] of members.entries()) {
      const name = this.#name(member);
      if (this.settled.has(member)) this.faults.push(`${name} started although it had ended`);
      if (flying.has(member)) this.faults.push(`${name} started while it was in flight`);
      if (this.waiting.has(member)) this.faults.push(`${name} started without its permission`);
      if (this.timers.has(member)) this.faults.push(`${name} started before its time`);
      const sources = (this.plan.incoming[member] ?? []).map((edge) => this.plan.from[edge] ?? -1);
      const open = sources.filter((source) => !this.settled.has(source));
      const alone = i > 0 && sources.length === 1 && sources[0] === members[i - 1];
      if (open.length > 0 && !alone) this.faults.push(`${name} started before its inputs settled`);
    }
    if (members[0] !== first) this.faults.push('a segment does not begin with its first');
  }

  #index(name: string): number {
    return this.plan.index.get(name) ?? -1;
  }

  #name(node: number): string {
    return this.plan.nodes[node]?.name ?? '?';
  }
}
