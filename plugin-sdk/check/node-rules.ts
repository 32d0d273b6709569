import type { CapabilityName, Effect, NodeType } from '../contract/index.ts';
import { MANIFEST, type Hit, type Pack, type Rule } from './rule.ts';
import { shown } from './text.ts';

const LONGEST_MS = 7_200_000;
const SHORTEST_MS = 10;

/** Capabilities that reach outside, whose use is never the same twice. */
const OUTSIDE: readonly CapabilityName[] = [
  'screen.capture',
  'input.mouse',
  'net.http',
  'fs.read',
  'fs.write',
  'process.run',
  'process.list',
  'process.end',
];
/** Uses that change what is outside. */
const CHANGING: readonly CapabilityName[] = [
  'input.mouse',
  'fs.write',
  'process.run',
  'process.end',
];
/** RFC 9110 section 9.2.2: these may not be repeated in silence. */
const NOT_REPEATED = ['POST', 'PATCH'];

function* eachNode({ manifest }: Pack, say: (node: NodeType) => string | null): Generator<Hit> {
  for (const [index, node] of manifest.nodes.entries()) {
    const message = say(node);
    if (message !== null)
      yield { file: MANIFEST, message: `/nodes/${String(index)} (${shown(node.type)}) ${message}` };
  }
}

const isUntyped = (schema: NodeType['config']): boolean =>
  Object.keys(schema).every((key) => ['title', 'description', 'default', 'examples'].includes(key));

/** Uses in code whose node declares less effect than the use has. */
function* weakUses({ code }: Pack): Generator<Hit> {
  for (const { file, uses } of code) {
    for (const { line, capability, effect, method, operation } of uses) {
      const isPure = effect === 'pure' && (OUTSIDE.includes(capability) || operation === 'set');
      const isRepeated = effect === 'idempotent' && NOT_REPEATED.includes(method ?? '');
      if (!isPure && !isRepeated) continue;
      const what = isRepeated ? `sends ${String(method)}` : `uses ${capability}`;
      yield { file, line, message: `${what} in a node declared ${String(effect)}` };
    }
  }
}

const weakest = (nodes: readonly NodeType[], effect: Effect): boolean =>
  nodes.length > 0 && nodes.every((node) => node.effect === effect);

export const NODE_RULES: readonly Rule[] = [
  {
    id: 'effect-too-weak',
    severity: 'error',
    doc: 'A pure step is run again without asking; one that acts on the outside must say so.',
    cure: 'Declare effect: external, or idempotent where the same key twice changes nothing.',
    *find(pack) {
      yield* eachNode(pack, ({ effect, uses }) => {
        const outside = effect === 'pure' ? uses.find((it) => OUTSIDE.includes(it)) : undefined;
        return outside === undefined ? null : `is pure and uses ${outside}`;
      });
      yield* weakUses(pack);
    },
  },
  {
    id: 'effect-doubtful',
    severity: 'review',
    doc: 'Every node says it is pure, yet the plugin asks to change something outside.',
    cure: 'Declare effect: external on the nodes that act.',
    *find({ manifest }) {
      if (!weakest(manifest.nodes, 'pure')) return;
      const change = manifest.permissions.find((it) => CHANGING.includes(it.capability));
      if (change !== undefined)
        yield {
          file: MANIFEST,
          message: `all nodes are pure, but it asks for ${change.capability}`,
        };
    },
  },
  {
    id: 'output-untyped',
    severity: 'advice',
    doc: 'An output without a schema can’t be checked or connected with confidence.',
    cure: 'Give the output the schema of what it brings.',
    find: (pack) =>
      eachNode(pack, ({ outputs }) => {
        const open = Object.entries(outputs).find(([, schema]) => isUntyped(schema));
        return open === undefined ? null : `leaves the output ${shown(open[0])} without a type`;
      }),
  },
  {
    id: 'output-missing',
    severity: 'advice',
    doc: 'A pure node that gives nothing does nothing.',
    cure: 'Declare its outputs, or its effect.',
    find: (pack) =>
      eachNode(pack, ({ effect, outputs }) =>
        effect === 'pure' && Object.keys(outputs).length === 0 ? 'is pure and has no output' : null,
      ),
  },
  {
    id: 'config-open',
    severity: 'advice',
    doc: 'A config that takes unknown fields hides a misspelled one.',
    cure: 'Say { additionalProperties: false } in the config’s schema.',
    find: (pack) =>
      eachNode(pack, ({ config }) =>
        config['additionalProperties'] === false || 'anyOf' in config || 'oneOf' in config
          ? null
          : 'takes unknown fields in its config',
      ),
  },
  {
    id: 'timeout-extreme',
    severity: 'review',
    doc: 'A step that may take hours holds its run; one of a few milliseconds fails by chance.',
    cure: 'Between 10 ms and two hours; to wait longer, use a trigger.',
    find: (pack) =>
      eachNode(pack, ({ timeoutMs }) =>
        timeoutMs > LONGEST_MS || timeoutMs < SHORTEST_MS
          ? `has a timeout of ${String(timeoutMs)} ms`
          : null,
      ),
  },
  {
    id: 'node-missing',
    severity: 'advice',
    doc: 'A plugin without nodes that provides nothing is of no use.',
    cure: 'Declare at least one node.',
    *find({ manifest: { nodes, provides } }) {
      if (nodes.length + provides.length === 0) yield { file: MANIFEST, message: 'has no nodes' };
    },
  },
];
