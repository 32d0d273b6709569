import type { Static, TObject, TSchema } from 'typebox';
import type { CapabilityName, Effect, JsonObject, Permission, Runtime } from '../contract/index.ts';
import type { ServeContext, StepContext, TriggerContext } from './context.ts';

type Ports = Readonly<Record<string, TSchema>>;
/** Values on a node's ports; an output port that is left out brings nothing to its edges. */
type Values<P extends Ports> = { readonly [K in keyof P]?: Static<P[K]> };
type Inputs<P extends Ports, Optional extends keyof P> = {
  readonly [K in Exclude<keyof P, Optional>]: Static<P[K]>;
} & {
  readonly [K in Optional]?: Static<P[K]>;
};

interface NodeCommon<C extends TObject, I extends Ports, O extends Ports> {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly config: C;
  readonly inputs?: I;
  readonly outputs: O;
  readonly timeoutMs?: number;
  readonly uses?: readonly CapabilityName[];
  /** Turns the config of a node made for version `from` of the plugin into one for this version; reaches nothing else. */
  readonly migrate?: (config: JsonObject, from: string) => JsonObject;
}

export interface ActionNode<
  C extends TObject = TObject,
  I extends Ports = Ports,
  O extends Ports = Ports,
  Opt extends keyof I & string = keyof I & string,
> extends NodeCommon<C, I, O> {
  readonly effect: Effect;
  readonly join?: 'all' | 'any';
  readonly optionalInputs?: readonly Opt[];
  /** May be synchronous or return a promise; `pure` nodes should be synchronous. */
  run(step: {
    readonly config: Static<C>;
    readonly inputs: Inputs<I, Opt>;
    readonly context: StepContext;
  }): Values<O> | Promise<Values<O>>;
}

export interface TriggerNode<
  C extends TObject = TObject,
  O extends Ports = Ports,
> extends NodeCommon<C, Ports, O> {
  /** Calls `emit` for each event until `context.signal` aborts. */
  listen(trigger: {
    readonly config: Static<C>;
    readonly context: TriggerContext;
    readonly emit: (outputs: Values<O>) => Promise<void>;
  }): Promise<void>;
}

// A list of nodes with different schemas can only be held with the type parameters erased.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyNode = ActionNode<any, any, any, any> | TriggerNode<any, any>;

/** An operation of a capability that this plugin provides. `args` were checked by the broker against the contract. */
export type Operation = (request: {
  readonly args: never;
  readonly context: ServeContext;
}) => unknown;

export interface PluginDefinition {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly description: string;
  readonly license?: string;
  readonly engine: string;
  readonly runtime: Runtime;
  readonly permissions: readonly Permission[];
  readonly provides?: { readonly [C in CapabilityName]?: Readonly<Record<string, Operation>> };
  readonly nodes: readonly AnyNode[];
}

/** Declares one node type; types of config, inputs and outputs follow from their schemas. */
export function defineNode<
  const C extends TObject,
  const I extends Ports,
  const O extends Ports,
  const Opt extends keyof I & string = never,
>(node: ActionNode<C, I, O, Opt>): ActionNode<NoInfer<C>, NoInfer<I>, NoInfer<O>, NoInfer<Opt>> {
  return node;
}

/** Declares a node type that starts runs. */
export function defineTrigger<const C extends TObject, const O extends Ports>(
  node: TriggerNode<C, O>,
): TriggerNode<NoInfer<C>, NoInfer<O>> {
  return node;
}

/** Declares a plugin; must be the default export of plugin.ts. */
export function definePlugin(definition: PluginDefinition): PluginDefinition {
  return definition;
}
