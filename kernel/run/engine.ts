import {
  HubError,
  reportOf,
  runId,
  type JsonObject,
  type PluginId,
  type RunId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import type { PluginSource, RunRecord } from '../ports.ts';
import { planWorkflow, type Plan } from '../workflow/plan.ts';
import { validateWorkflow } from '../workflow/validate-workflow.ts';
import { Driver, type EnginePorts, type RunOutcome } from './driver.ts';
import { advance } from './machine.ts';
import { initialState, type Input, type RunState } from './run-state.ts';
import { createScheduler } from './scheduler.ts';
import { activate, type Activation } from './trigger.ts';

export type { Activation };
export interface StartedRun {
  readonly run: RunId;
  readonly finished: Promise<RunOutcome>;
}
export interface Engine {
  start(
    workflow: WorkflowDocument,
    options?: { readonly trigger?: { readonly node: string; readonly outputs: JsonObject } },
  ): Promise<StartedRun>;
  cancel(run: RunId, reason: string): Promise<void>;
  resolve(run: RunId, node: string, as: 'done' | 'retry' | 'fail'): Promise<void>;
  recover(): Promise<RunId[]>;
  activate(workflow: WorkflowDocument): Activation;
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

/** Starts, resumes and steers runs. */
export function createEngine(ports: EnginePorts): Engine {
  const planOf = createPlanner(ports.plugins);
  const scheduler = createScheduler(ports.limits?.maxParallelSteps ?? 64);
  const drivers = new Map<string, Driver>();
  const activations = new Set<Activation>();
  const changes = new Set<(plugin: PluginId) => void>();
  const known = (run: RunId): Driver => {
    const driver = drivers.get(run);
    if (driver === undefined) throw new HubError('RUN_NOT_FOUND', { run });
    return driver;
  };
  const keep = (driver: Driver): StartedRun => {
    const { record, finished } = driver;
    drivers.set(record.id, driver);
    const forget = (): void => void drivers.delete(record.id);
    finished.then(forget, forget);
    return { run: record.id, finished };
  };
  const start: Engine['start'] = async (workflow, options = {}) => {
    const plan = planOf(workflow);
    const record: RunRecord = {
      id: runId(ports.ids.next()),
      workflow,
      trigger: options.trigger ?? null,
      createdAt: ports.clock.now(),
    };
    const created = ports.journal.create(record);
    const state = initialState(plan, record.id, record.trigger);
    const driver = new Driver({ record, plan, state, seq: 0, epoch: 1 }, ports, scheduler);
    const started = keep(driver);
    const { id: run, createdAt: at } = record;
    ports.events.emit({ type: 'run.started', at, run, workflow: workflow.name });
    driver.begin();
    await created;
    return started;
  };
  const resume = async (run: RunId): Promise<RunId[]> => {
    const open = await ports.journal.claim(run);
    if (open === null) return [];
    const { record, entries, epoch } = open;
    const plan = planWorkflow(record.workflow, ports.plugins);
    let state = advance(plan, initialState(plan, run, record.trigger), {
      type: 'run.started',
    }).state;
    // SAFETY: entries are inputs that a driver wrote.
    for (const entry of entries)
      state = advance(plan, state, entry.input as unknown as Input).state;
    if (state.status !== 'running') {
      await ports.journal.end(run, epoch, state.status, ports.clock.now());
      return [run];
    }
    const seq = entries.at(-1)?.seq ?? 0;
    const driver = new Driver({ record, plan, state, seq, epoch }, ports, scheduler);
    keep(driver);
    driver.feed({ type: 'recovered' });
    return [run];
  };
  return {
    start,
    cancel: async (run, reason) =>
      await Promise.resolve(known(run).feed({ type: 'cancel.requested', reason })),
    resolve: async (run, node, as) =>
      await Promise.resolve(known(run).feed({ type: 'resolved', node, as })),
    async recover() {
      const resumed: RunId[] = [];
      for (const run of await ports.journal.open()) {
        try {
          resumed.push(...(await resume(run)));
        } catch (error) {
          const { message: reason } = reportOf(error);
          ports.events.emit({ type: 'run.waiting', at: ports.clock.now(), run, reason });
        }
      }
      return resumed;
    },
    activate(workflow) {
      const activation = activate(workflow, { ports, start, cancelled: changes });
      activations.add(activation);
      return activation;
    },
    permissionsChanged(plugin) {
      for (const driver of drivers.values()) driver.permissionsChanged(plugin);
      for (const change of changes) change(plugin);
    },
    status(run) {
      const driver = drivers.get(run);
      if (driver === undefined) return null;
      const { status, nodes } = driver.state;
      return {
        status,
        nodes: Object.fromEntries(driver.plan.nodes.map((node, i) => [node.name, nodes[i] ?? ''])),
      };
    },
    async close() {
      await Promise.all([...activations].map(async (activation) => await activation.stop()));
      for (const driver of drivers.values()) driver.close();
    },
  };
}
