import type { ActionNode, Operation, PluginDefinition, TriggerNode } from '../author/define.ts';
import type { HubFrame, Json, JsonObject } from '../contract/index.ts';
import { LogLimit } from './log-limit.ts';
import type { CodePorts } from './scope.ts';
import { Calls, Scope, coded, thrown } from './scope.ts';
import type { ReadyStep } from './steps.ts';
import { readySteps, runSteps } from './steps.ts';

type FrameOf<T extends HubFrame['t']> = Extract<HubFrame, { t: T }>;

/** A trigger may be this many events ahead of the hub's credit before `emit` makes it wait. */
interface Listening {
  credit: number;
  readonly queue: (() => void)[];
}

/** A node's `migrate` runs as a step of its own, so that it has a step's limits; no workflow can name it. */
const MIGRATION = { title: '', effect: 'pure', config: {}, outputs: {} } as const;

const runMigration =
  ({ migrate }: PluginDefinition['nodes'][number]) =>
  ({ inputs }: { readonly inputs: unknown }) => {
    // SAFETY: the hub gives exactly these.
    const { config, from } = inputs as { readonly config: JsonObject; readonly from: string };
    return { config: migrate?.(config, from) ?? config };
  };

/**
 * Plugin code behind the wire protocol: takes the hub's frames, runs nodes, triggers and operations, sends frames.
 * Runs inside the isolate, or in the process host; whoever passes its frames on checks them, since plugin code may forge any.
 */
export class PluginCode {
  readonly #ports: CodePorts;
  readonly #calls: Calls;
  readonly #definition: PluginDefinition;
  readonly #actions = new Map<string, ActionNode>();
  readonly #triggers = new Map<string, TriggerNode>();
  readonly #segments = new Map<string, readonly ReadyStep[]>();
  readonly #scopes = new Map<number, Scope>();
  readonly #listening = new Map<number, Listening>();
  /** The host drops as much again, and is to be believed; here it costs less. */
  readonly #logs = new LogLimit();

  constructor(definition: PluginDefinition, ports: CodePorts) {
    this.#definition = definition;
    this.#ports = ports;
    this.#calls = new Calls((text) => {
      ports.send(text);
    });
    for (const node of definition.nodes) {
      if ('listen' in node) this.#triggers.set(node.type, node);
      else this.#actions.set(node.type, node);
      // As the contract's migrationType has it, whose module every isolate would else carry.
      const migration = `${node.type}.migrate`;
      this.#actions.set(
        migration,
        // SAFETY: of a node only `run` is looked at here.
        { ...MIGRATION, type: migration, run: runMigration(node) } as never,
      );
    }
  }

  receive(frame: HubFrame): void {
    switch (frame.t) {
      case 'define':
        this.#segments.set(frame.segment, readySteps(frame.steps, this.#actions));
        return;
      case 'run':
        this.#run(frame);
        return;
      case 'listen':
        this.#begin(frame.id, (scope) => this.#listen(frame, scope));
        return;
      case 'serve':
        this.#begin(frame.id, (scope) => this.#serve(frame, scope), frame.answers);
        return;
      case 'credit':
        this.#credit(frame);
        return;
      case 'cancel':
        this.#scopes.get(frame.id)?.abort('the hub cancelled it');
        return;
      case 'reply':
        this.#calls.settle(frame.id, frame);
        return;
      case 'load':
        return;
    }
  }

  #run(frame: FrameOf<'run'>): void {
    const scope = this.#open(frame.id);
    const steps = this.#segments.get(frame.segment);
    if (steps === undefined) {
      this.#refuse(scope, new Error(`the segment ${frame.segment} is not defined`));
      return;
    }
    runSteps(steps, frame, scope, (reports) => {
      this.#close(scope, `"ok":true,"value":${reports}`);
    });
  }

  /** `answers`: its own call, which goes on with the result at once; what went wrong is the hub's to say. */
  #begin(id: number, work: (scope: Scope) => Promise<unknown>, answers?: number): void {
    const scope = this.#open(id);
    void (async () => {
      try {
        const value = JSON.stringify((await work(scope)) ?? null);
        this.#close(scope, `"ok":true,"value":${value}`);
        // SAFETY: what JSON.parse gives is Json.
        if (answers !== undefined)
          this.#calls.settle(answers, { ok: true, value: JSON.parse(value) as Json });
      } catch (error) {
        this.#refuse(scope, error);
      }
    })();
  }

  async #listen(frame: FrameOf<'listen'>, scope: Scope): Promise<null> {
    const node = this.#triggers.get(frame.type.slice(frame.type.indexOf(':') + 1));
    if (node === undefined) throw new Error(`the plugin has no trigger ${frame.type}`);
    const listening: Listening = { credit: 0, queue: [] };
    this.#listening.set(frame.id, listening);
    const own = { workflow: frame.workflow, node: frame.node };
    const context = Object.assign(scope.common(frame.node), own);
    try {
      const emit = (outputs: JsonObject) => this.#emit(scope, listening, outputs);
      await node.listen({ config: frame.config, context, emit } as never);
    } catch (error) {
      if (!scope.aborted) throw error;
    } finally {
      this.#listening.delete(frame.id);
    }
    return null;
  }

  /** Resolves when the event was sent; waits while the hub has allowed no more. */
  async #emit(scope: Scope, listening: Listening, outputs: JsonObject): Promise<void> {
    const text = JSON.stringify({ t: 'event', id: scope.id, value: outputs });
    if (listening.credit === 0) {
      await new Promise<void>((resolve) => {
        listening.queue.push(resolve);
        scope.onAbort(() => {
          resolve();
        });
      });
    } else {
      listening.credit -= 1;
    }
    if (!scope.aborted) this.#ports.send(text);
  }

  #credit(frame: FrameOf<'credit'>): void {
    const listening = this.#listening.get(frame.id);
    if (listening === undefined) return;
    const woken = listening.queue.splice(0, frame.n);
    listening.credit += frame.n - woken.length;
    for (const wake of woken) wake();
  }

  async #serve(frame: FrameOf<'serve'>, scope: Scope): Promise<unknown> {
    const provided: Readonly<Record<string, Operation>> | undefined =
      this.#definition.provides?.[frame.capability];
    const operation =
      provided !== undefined && Object.hasOwn(provided, frame.operation)
        ? provided[frame.operation]
        : undefined;
    if (operation === undefined) {
      const need = `${frame.capability}.${frame.operation}`;
      throw coded('CAPABILITY_UNAVAILABLE', `The plugin does not provide ${need}`, { need });
    }
    const context = Object.assign(scope.common(undefined), { caller: frame.caller });
    return await operation({ args: frame.args, context } as never);
  }

  #open(id: number): Scope {
    const scope = new Scope(id, this.#ports, this.#calls, this.#logs);
    this.#scopes.set(id, scope);
    return scope;
  }

  #refuse(scope: Scope, error: unknown): void {
    this.#close(scope, `"ok":false,"error":${JSON.stringify(thrown(error) satisfies Json)}`);
  }

  #close(scope: Scope, rest: string): void {
    this.#scopes.delete(scope.id);
    this.#ports.send(`{"t":"reply","id":${String(scope.id)},${rest}}`);
    scope.close();
  }
}
