import {
  reportOf,
  type JsonObject,
  type PluginId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
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
  readonly start: (
    workflow: WorkflowDocument,
    options: { trigger: Trigger },
  ) => Promise<{ readonly finished: Promise<RunOutcome> }>;
  /** Called when a plugin's grants change. */
  readonly changes: Set<(plugin: PluginId) => void>;
}

/** Starts the trigger nodes of a workflow; each event starts a run under `settings.overlap`. */
export function activate({ document: workflow, nodes }: Plan, needs: Needs): Activation {
  const abort = new AbortController();
  const take = createOverlap(workflow, needs);
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

function createOverlap(workflow: WorkflowDocument, needs: Needs): Take {
  const overlap = workflow.settings?.overlap ?? 'latest';
  let waiting: Trigger[] = [];
  let busy = false;
  const run = async (trigger: Trigger): Promise<void> => {
    const started = await needs.start(workflow, { trigger });
    const goOn = (): void => {
      busy = false;
      const following = waiting.shift();
      if (following !== undefined) void take(following).catch(() => undefined);
    };
    void started.finished.catch(() => undefined).then(goOn);
  };
  const take: Take = async (trigger) => {
    if (overlap === 'parallel') return await run(trigger);
    if (busy) {
      if (overlap === 'latest') waiting = [trigger];
      else if (overlap === 'queue') waiting.push(trigger);
      return;
    }
    busy = true;
    try {
      await run(trigger);
    } catch (error) {
      busy = false;
      throw error;
    }
  };
  return take;
}

async function keepListening(
  node: PlanNode,
  workflow: WorkflowDocument,
  needs: Needs,
  take: Take,
  signal: AbortSignal,
): Promise<void> {
  const { ports } = needs;
  const { events, clock } = ports;
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
    const { plugin, type, config } = node;
    const request = { plugin, type, config, ...place };
    try {
      await ports.listener.listen(request, onEvent, signal);
      events.emit({ type: 'trigger.ended', at: clock.now(), ...place });
      return;
    } catch (error) {
      events.emit({ type: 'trigger.ended', at: clock.now(), ...place, error: reportOf(error) });
    }
    await pause(ports, Math.min(30_000, 1000 * 2 ** Math.min(crashes, 5)), signal);
  }
}

async function untilGranted(node: PlanNode, needs: Needs, signal: AbortSignal): Promise<void> {
  const isMissing = (): boolean => {
    try {
      return needs.ports.permissions.missing(node.plugin, node.nodeType.uses).length > 0;
    } catch {
      // Refused: it waits until somebody thinks better of it, or it is stopped.
      return true;
    }
  };
  while (!signal.aborted && isMissing()) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const change = (): void => resolve();
    needs.changes.add(change);
    signal.addEventListener('abort', change, { once: true });
    await promise;
    needs.changes.delete(change);
    signal.removeEventListener('abort', change);
  }
}

async function pause(ports: EnginePorts, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return;
  using _timer = ports.clock.after(ms, resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}
