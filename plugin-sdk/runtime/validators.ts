import { Ajv, type ValidateFunction } from 'ajv';
import {
  isMigration,
  type JsonSchema,
  type Manifest,
  type NodeType,
  type Problem,
} from '../contract/index.ts';

/** What a migration gives; whether it fits the node is for whoever puts it into a workflow. */
const MIGRATED = { config: { type: 'object' } };

type Direction = 'inputs' | 'outputs';

/** Checks what a plugin's nodes give and get against the schemas of its manifest; compiled at first use. */
export class Validators {
  readonly #ajv = new Ajv({
    strict: false,
    allErrors: false,
    validateSchema: false,
    logger: false,
  });
  readonly #nodes: ReadonlyMap<string, NodeType>;
  readonly #compiled = {
    inputs: new Map<string, ValidateFunction>(),
    outputs: new Map<string, ValidateFunction>(),
  };

  constructor(manifest: Manifest) {
    this.#nodes = new Map(manifest.nodes.map((node) => [node.type, node]));
  }

  /** What is wrong with the values on a node's ports; null when nothing is. Ports that bring nothing are not checked. */
  problems(direction: Direction, type: string, values: unknown): readonly Problem[] | null {
    const validate = this.#validator(direction, type);
    if (validate(values)) return null;
    return (validate.errors ?? []).map((error) => ({
      at: `${direction}${error.instancePath}`,
      message: `${error.message ?? 'does not fit'} ${JSON.stringify(error.params)}`.slice(0, 300),
      cure: direction === 'outputs' ? 'Return what the node type declares.' : 'Convert it before.',
    }));
  }

  #validator(direction: Direction, type: string): ValidateFunction {
    const known = this.#compiled[direction].get(type);
    if (known !== undefined) return known;
    const name = type.slice(type.indexOf(':') + 1);
    const own = isMigration(name) ? MIGRATED : (this.#nodes.get(name)?.[direction] ?? {});
    const ports: Readonly<Record<string, JsonSchema>> = own;
    const schema = { type: 'object', properties: ports, additionalProperties: false };
    const validate = this.#ajv.compile(schema);
    this.#compiled[direction].set(type, validate);
    return validate;
  }
}
