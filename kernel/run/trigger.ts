import {
  reportOf,
  type JsonObject,
  type PluginId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import { wait } from '@runtime-hub/plugin-sdk/hosting';
import type { Plan, PlanNode } from '../workflow/plan.ts';
import type { EnginePorts, RunOutcome } from './driver.ts';

/** A workflow whose triggers listen. */
export interface Activation {
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}
type Trigger = { readonly node: string; readonly outputs: JsonObject };
type Take = (trigger: Trigger) => Promise<void>;
interface Needs {
  readonly ports: EnginePorts;
  readonly workspace: string;
  readonly start: (
    workflow: WorkflowDocument,
    options: { trigger: Trigger; workspace: string },
  ) => Promise<{ readonly finished: Promise<RunOutcome> }>;
  /** Called when a plugin's grants change. */
  readonly changes: Set<(plugin: PluginId) => void>;
  /** Ends when runs of the workflow that were already under way have ended. */
  readonly before: Promise<unknown>;
}

/** Starts the trigger nodes of a workflow; each event starts a run under `settings.overlap`. */
export function activate({ document: workflow, nodes }: Plan, needs: Needs): Activation {
  const abort = new AbortController();
  const take = createOverlap(workflow, needs, abort.signal);
  const triggers = nodes.filter((node) => node.nodeType.kind === 'trigger' && !node.disabled);
  const ended = Promise.all(
    triggers.map(async (node) => await keepListening(node, workflow, needs, take, abort.signal)),
  ).then(() => undefined);
  return {
    ended,
    stop: async () => {
      abort.abort();
      await ended;
    },
  };
}

function createOverlap(workflow: WorkflowDocument, needs: Needs, signal: AbortSignal): Take {
  const overlap = workflow.settings?.overlap ?? 'latest';
  let waiting: Trigger | null = null;
  let running: Promise<void> | null = null;
  const follow = async (ended: Promise<unknown>): Promise<void> => {
    await ended.catch(() => undefined);
    const next = waiting;
    running = waiting = null;
    if (next !== null) void take(next).catch(() => undefined);
  };
  const take: Take = async (trigger) => {
    // The trigger is allowed its next event when this one is taken: what queues, queues in its host.
    while (overlap === 'queue' && running !== null) await running;
    if (signal.aborted) return;
    if (overlap !== 'parallel' && running !== null) {
      if (overlap === 'latest') waiting = trigger;
      return;
    }
    const started = needs.start(workflow, { trigger, workspace: needs.workspace });
    if (overlap !== 'parallel') running = follow(started.then(({ finished }) => finished));
    await started;
  };
  running = follow(needs.before);
  return take;
}

async function keepListening(
  node: PlanNode,
  workflow: WorkflowDocument,
  needs: Needs,
  take: Take,
  signal: AbortSignal,
): Promise<void> {
  const { events, clock, listener } = needs.ports;
  const place = { workflow: workflow.name, node: node.name };
  for (let crashes = 0; !signal.aborted; crashes += 1) {
    await untilGranted(node, needs, signal);
    if (signal.aborted) return;
    events.emit({ type: 'trigger.started', at: clock.now(), ...place });
    const onEvent = async (outputs: JsonObject): Promise<void> => {
      crashes = 0;
      events.emit({ type: 'trigger.fired', at: clock.now(), ...place, value: outputs });
      await take({ node: node.name, outputs });
    };
    const { plugin, version, type, config } = node;
    const request = { plugin, version, type, config, workspace: needs.workspace, ...place };
    try {
      await listener.listen(request, onEvent, signal);
      events.emit({ type: 'trigger.ended', at: clock.now(), ...place });
      return;
    } catch (error) {
      events.emit({ type: 'trigger.ended', at: clock.now(), ...place, error: reportOf(error) });
    }
    await wait(clock, Math.min(30_000, 1000 * 2 ** Math.min(crashes, 5)), signal);
  }
}

async function untilGranted(node: PlanNode, needs: Needs, signal: AbortSignal): Promise<void> {
  const isMissing = (): boolean => {
    try {
      return needs.ports.permissions.missing(node, needs.workspace).length > 0;
    } catch {
      // Refused: it waits until somebody thinks better of it, or it is stopped.
      return true;
    }
  };
  while (!signal.aborted && isMissing()) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    needs.changes.add(resolve);
    signal.addEventListener('abort', resolve, { once: true });
    await promise;
    needs.changes.delete(resolve);
    signal.removeEventListener('abort', resolve);
  }
}
