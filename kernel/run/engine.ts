import {
  DEFAULT_WORKSPACE,
  HubError,
  reportOf,
  runId,
  type PluginId,
  type RunId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import type { PluginSource, RunRecord } from '../ports.ts';
import { planWorkflow, type Plan } from '../workflow/plan.ts';
import { validateWorkflow } from '../workflow/validate-workflow.ts';
import { Driver, type DrivenRun, type EnginePorts, type RunOutcome } from './driver.ts';
import { advance } from './machine.ts';
import { initialState, type Input, type RunState } from './run-state.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { activate, type Activation } from './trigger.ts';

export type { Activation };
export interface StartedRun {
  readonly run: RunId;
  readonly finished: Promise<RunOutcome>;
}
type StartOptions = Partial<Pick<RunRecord, 'trigger' | 'workspace'>>;
export interface Engine {
  /** In the workspace named, or in DEFAULT_WORKSPACE. */
  start(workflow: WorkflowDocument, options?: StartOptions): Promise<StartedRun>;
  /** This and `resolve` resolve when they are durable. Throw RUN_NOT_FOUND, RUN_CONFLICT. */
  cancel(run: RunId, reason: string): Promise<void>;
  resolve(run: RunId, node: string, as: 'done' | 'retry' | 'fail'): Promise<void>;
  recover(): Promise<RunId[]>;
  /** Throws WORKFLOW_INVALID. */
  activate(workflow: WorkflowDocument, workspace?: string): Activation;
  permissionsChanged(plugin: PluginId): void;
  status(run: RunId): {
    readonly status: RunState['status'];
    readonly nodes: Readonly<Record<string, string>>;
  } | null;
  close(): Promise<void>;
}

/** Validates and plans a workflow once for as long as the installed plugins stay the same. Throws WORKFLOW_INVALID. */
function createPlanner(plugins: PluginSource): (workflow: WorkflowDocument) => Plan {
  const known = new WeakMap<WorkflowDocument, { readonly plan: Plan; readonly digests: string }>();
  return (workflow) => {
    const installed = plugins.list().map((plugin) => plugin.digest);
    const digests = installed.join(' ');
    const found = known.get(workflow);
    if (found?.digests === digests) return found.plan;
    const problems = validateWorkflow(workflow, plugins);
    if (problems.length > 0) throw new HubError('WORKFLOW_INVALID', { problems });
    const plan = planWorkflow(workflow, plugins);
    known.set(workflow, { plan, digests });
    return plan;
  };
}

/** Makes what starts, resumes and steers runs. */
export const createEngine = (ports: EnginePorts): Engine => new RunEngine(ports);

class RunEngine implements Engine {
  readonly #ports: EnginePorts;
  readonly #planOf: (workflow: WorkflowDocument) => Plan;
  readonly #scheduler: Scheduler;
  readonly #drivers = new Map<RunId, Driver>();
  readonly #activations = new Set<Activation>();
  readonly #changes = new Set<(plugin: PluginId) => void>();

  constructor(ports: EnginePorts) {
    this.#ports = ports;
    this.#planOf = createPlanner(ports.plugins);
    this.#scheduler = createScheduler(ports.limits?.maxParallelSteps ?? 64);
  }

  async start(
    workflow: WorkflowDocument,
    { trigger = null, workspace = DEFAULT_WORKSPACE }: StartOptions = {},
  ): Promise<StartedRun> {
    const { ids, clock, journal, events } = this.#ports;
    const plan = this.#planOf(workflow);
    const [run, createdAt] = [runId(ids.next()), clock.now()];
    const record = { id: run, workflow, workspace, trigger, createdAt };
    // What follows is written behind it, in order: no step waits for the disk unless it acts on the outside world.
    const created = journal.create(record);
    const driver = this.#drive({ record, plan, state: initialState(plan, run, trigger) });
    events.emit({ type: 'run.started', at: createdAt, run, workflow: workflow.name });
    driver.begin();
    await created;
    return { run, finished: driver.finished };
  }

  async cancel(run: RunId, reason: string): Promise<void> {
    const driver = this.#driverOf(run);
    driver.feed({ type: 'cancel.requested', reason });
    await driver.durable;
  }

  async resolve(run: RunId, node: string, as: 'done' | 'retry' | 'fail'): Promise<void> {
    const driver = this.#driverOf(run);
    const status = driver.state.nodes[driver.plan.index.get(node) ?? -1] ?? 'not there';
    if (status !== 'unknown')
      throw new HubError('RUN_CONFLICT', { run, detail: `${node} is ${status}, not unknown` });
    driver.feed({ type: 'resolved', node, as });
    await driver.durable;
  }

  async recover(): Promise<RunId[]> {
    const { journal, events, clock } = this.#ports;
    const resumed: RunId[] = [];
    for (const run of await journal.open()) {
      try {
        if (await this.#resume(run)) resumed.push(run);
      } catch (error) {
        const { message: reason } = reportOf(error);
        events.emit({ type: 'run.waiting', at: clock.now(), run, reason });
      }
    }
    return resumed;
  }

  activate(workflow: WorkflowDocument, workspace = DEFAULT_WORKSPACE): Activation {
    const own = [...this.#drivers.values()].filter(
      (it) => it.record.workflow.name === workflow.name,
    );
    const activation = activate(this.#planOf(workflow), {
      ports: this.#ports,
      workspace,
      start: async (document, options) => await this.start(document, options),
      changes: this.#changes,
      before: Promise.allSettled(own.map(({ finished }) => finished)),
    });
    this.#activations.add(activation);
    return activation;
  }

  permissionsChanged(plugin: PluginId): void {
    for (const driver of this.#drivers.values()) driver.permissionsChanged(plugin);
    for (const change of this.#changes) change(plugin);
  }

  status(run: RunId): ReturnType<Engine['status']> {
    const driver = this.#drivers.get(run);
    if (driver === undefined) return null;
    const { status, nodes } = driver.state;
    const each = driver.plan.nodes.map((node, i) => [node.name, nodes[i] ?? '']);
    return { status, nodes: Object.fromEntries(each) };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#activations].map(async (activation) => await activation.stop()));
    for (const driver of this.#drivers.values()) driver.close();
  }

  async #resume(run: RunId): Promise<boolean> {
    const { journal, plugins, clock } = this.#ports;
    const open = await journal.claim(run);
    if (open === null) return false;
    const { record, entries, epoch } = open;
    const plan = planWorkflow(record.workflow, plugins);
    const before = initialState(plan, run, record.trigger);
    let { state } = advance(plan, before, { type: 'run.started' });
    // SAFETY: entries are inputs that a driver wrote.
    for (const { input } of entries) state = advance(plan, state, input as unknown as Input).state;
    if (state.status !== 'running') {
      await journal.end(run, epoch, state.status, clock.now());
      return true;
    }
    const driver = this.#drive({ record, plan, state, seq: entries.at(-1)?.seq ?? 0, epoch });
    driver.feed({ type: 'recovered' });
    return true;
  }

  /** A new run has epoch 1 by contract. */
  #drive(run: Omit<DrivenRun, 'seq' | 'epoch'> & Partial<DrivenRun>): Driver {
    const driver = new Driver({ seq: 0, epoch: 1, ...run }, this.#ports, this.#scheduler);
    const { id } = run.record;
    this.#drivers.set(id, driver);
    const forget = (): void => void this.#drivers.delete(id);
    driver.finished.then(forget, forget);
    return driver;
  }

  #driverOf(run: RunId): Driver {
    const driver = this.#drivers.get(run);
    if (driver === undefined) throw new HubError('RUN_NOT_FOUND', { run });
    return driver;
  }
}
