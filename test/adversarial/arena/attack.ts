import type { ErrorCode, Json, JsonObject, Permission } from '@runtime-hub/plugin-sdk/contract';
import type { Arena } from './arena.ts';

/** What an attack that is contained comes to: its own typed error (one of several where two limits race), or an answer that shows it got nothing. */
export type Expected = ErrorCode | readonly ErrorCode[] | { readonly out: Json };

interface Attack {
  /** A sentence: what is tried, and what comes of it. */
  readonly name: string;
  readonly expect: Expected;
  /** Why this machine can't run it; null when it can. Such a case counts as not run, never as passed. */
  readonly cannotRun?: () => string | null;
}

/** A small plugin, signed and installed like any other, whose one node does the attack in a run of the real hub. */
export interface PluginAttack extends Attack {
  readonly runtime: 'isolate' | 'process';
  /** The node's `run`, a function of `{ config, inputs, context }`; `config` holds what an insider would know (Knowledge). */
  readonly code: string;
  /** Text of plugin.js before its definition. */
  readonly before?: string;
  /** Asked for in the manifest and approved. */
  readonly permissions?: readonly Permission[];
  /** Schemas of the node's outputs; `out`, which may be anything, when left out. */
  readonly outputs?: Readonly<Record<string, JsonObject>>;
  /** The node's deadline; 2 s when left out. */
  readonly timeoutMs?: number;
  /** Looks at what the hub saw, after it has ended as expected. */
  readonly look?: (seen: Seen) => void;
}

/** Something other than one node of one plugin: an artifact, a workflow, a client. Resolves with its answer or throws its error. */
export interface OtherAttack extends Attack {
  readonly act: (arena: Arena) => Promise<Json>;
}

export type AnyAttack = PluginAttack | OtherAttack;

/** What the hub said while an attack went on: events as text, one each. */
export interface Seen {
  readonly events: readonly string[];
  readonly logs: readonly string[];
}

/** What an insider knows and tells the attack, so that no attack fails for want of a path. */
export interface Knowledge {
  /** The hub's data folder, with its keys. */
  readonly folder: string;
  /** The user's home, with a key in .ssh. */
  readonly home: string;
  readonly root: string;
  readonly hubPid: number;
  /** A file of the machine that holds a canary, and the environment variable that does. */
  readonly secretFile: string;
  readonly secretName: string;
}

/** The text of plugin.js for an attack. */
export function pluginText(definition: object, { before = '', code }: PluginAttack): string {
  const text = JSON.stringify(definition);
  return `${before}
const definition = ${text};
definition.nodes[0].run = ${code};
export default definition;
`;
}

/** The definition without its code: what both the manifest and plugin.js say of it. */
export function definitionOf(id: string, attack: PluginAttack) {
  const permissions = attack.permissions ?? [];
  return {
    id,
    version: '1.0.0',
    title: 'Attack',
    description: 'Misbehaves on purpose.',
    engine: '*',
    runtime: attack.runtime,
    permissions,
    nodes: [
      {
        type: 'attack',
        title: 'Attack',
        effect: 'idempotent' as const,
        timeoutMs: attack.timeoutMs ?? 2000,
        config: { type: 'object' },
        inputs: {},
        outputs: attack.outputs ?? { out: {} },
        uses: [],
      },
    ],
  };
}
