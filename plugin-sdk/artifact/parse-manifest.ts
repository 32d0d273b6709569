import type { ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import semver from 'semver';
import {
  HubError,
  IMPLICIT_INPUT,
  IMPLICIT_OUTPUTS,
  Manifest,
  entryOf,
  isTarget,
  type NodeType,
  type Problem,
} from '../contract/index.ts';
import { guardOf } from './guard.ts';

const isManifest = guardOf<Manifest>(Manifest, { allProblems: true });
/** No list of a manifest may be longer; checked first, for in a longer one the problems themselves would be a flood. */
const MAX_LIST = 200;
const MAX_PROBLEMS = 100;
/** Knows the schema of schemas; no plugin's schema is ever added to it, so none can change what the next is checked by. */
const ofSchemas = new Ajv2020({ strict: true });

/** The manifest that `value` holds; throws MANIFEST_INVALID with every problem, or the first hundred. */
export function parseManifest(value: unknown): Manifest {
  const manifest = parseForm(value);
  checkMeaning(manifest);
  return manifest;
}

/** The manifest by its form alone, which is all that may be looked at before its signature holds. Throws MANIFEST_INVALID. */
export function parseForm(value: unknown): Manifest {
  refuseFor(floodProblems(value));
  if (isManifest(value)) return value;
  throw invalid(isManifest.problems.slice(0, MAX_PROBLEMS).map(problemOf));
}

/** Checks what the schema can't say and compiles the schemas of all ports. Throws MANIFEST_INVALID. */
export function checkMeaning(manifest: Manifest): void {
  refuseFor(meaningProblems(manifest));
}

function refuseFor(problems: readonly Problem[]): void {
  if (problems.length > 0) throw invalid(problems.slice(0, MAX_PROBLEMS));
}

function invalid(problems: readonly Problem[]): HubError<'MANIFEST_INVALID'> {
  return new HubError('MANIFEST_INVALID', { problems });
}

function floodProblems(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([at, list]): Problem[] => {
    if (!Array.isArray(list) || list.length <= MAX_LIST) return [];
    return [{ at: `/${at}`, message: `has over ${String(MAX_LIST)} items`, cure: 'shorten it' }];
  });
}

function problemOf(error: ErrorObject): Problem {
  const extra = error.params['additionalProperty'];
  const at = `${error.instancePath}${typeof extra === 'string' ? `/${extra}` : ''}`;
  return {
    at: at === '' ? '/' : at,
    message: error.message ?? error.keyword,
    cure: typeof extra === 'string' ? 'remove it or correct its name' : 'change it to fit',
  };
}

function meaningProblems(manifest: Manifest): Problem[] {
  const problems = [...factProblems(manifest)];
  for (const [index, permission] of manifest.permissions.entries()) {
    if (isTarget(permission)) continue;
    problems.push({
      at: `/permissions/${String(index)}/target`,
      message: `is no target of ${permission.capability}`,
      cure: 'see the forms of targets in the contract',
    });
  }
  const seen = new Set<string>();
  for (const [index, node] of manifest.nodes.entries()) {
    const at = `/nodes/${String(index)}`;
    if (seen.has(node.type))
      problems.push({
        at: `${at}/type`,
        message: 'is there twice',
        cure: 'give each node type its own name',
      });
    seen.add(node.type);
    problems.push(...nodeProblems(manifest, node, at));
  }
  return problems;
}

function factProblems({ version, engine, runtime, entry }: Manifest): Problem[] {
  const problems: Problem[] = [];
  if (semver.valid(version) === null) {
    problems.push({
      at: '/version',
      message: 'is not a semver version',
      cure: 'use MAJOR.MINOR.PATCH',
    });
  }
  if (semver.validRange(engine) === null) {
    problems.push({ at: '/engine', message: 'is not a semver range', cure: 'for instance ^1.0.0' });
  }
  if (entry !== entryOf(runtime)) {
    const message = `is not what the runtime ${runtime} starts with`;
    problems.push({ at: '/entry', message, cure: `use ${entryOf(runtime)}` });
  }
  return problems;
}

function nodeProblems(manifest: Manifest, node: NodeType, at: string): Problem[] {
  const asked = new Set(manifest.permissions.map((permission) => permission.capability));
  const uses = node.uses.flatMap((use): Problem[] =>
    asked.has(use)
      ? []
      : [
          {
            at: `${at}/uses`,
            message: `${use} is not among the permissions`,
            cure: 'ask for it with a reason',
          },
        ],
  );
  const ports = [
    ...Object.keys(node.inputs).filter((port) => port === IMPLICIT_INPUT),
    ...Object.keys(node.outputs).filter((port) => IMPLICIT_OUTPUTS.some((own) => own === port)),
  ].map((port): Problem => ({
    at,
    message: `the port ${port} is every node’s own`,
    cure: 'give it another name',
  }));
  const optional = node.optionalInputs
    .filter((port) => !Object.hasOwn(node.inputs, port))
    .map((port): Problem => ({
      at: `${at}/optionalInputs`,
      message: `${port} is no input`,
      cure: 'name an input',
    }));
  const schemas = [
    ['config', node.config] as const,
    ...Object.entries(node.inputs).map(([port, schema]) => [`inputs/${port}`, schema] as const),
    ...Object.entries(node.outputs).map(([port, schema]) => [`outputs/${port}`, schema] as const),
  ].flatMap(([place, schema]) => schemaProblem(`${at}/${place}`, schema));
  return [...uses, ...ports, ...optional, ...schemas];
}

function schemaProblem(at: string, schema: NodeType['config']): Problem[] {
  try {
    void ofSchemas.validateSchema(schema, true);
    new Ajv2020({ strict: true, validateSchema: false }).compile(schema);
    return [];
  } catch (error) {
    const message = error instanceof Error ? error.message.slice(0, 200) : 'is not a JSON Schema';
    return [{ at, message, cure: 'use a JSON Schema that ajv accepts in strict mode' }];
  }
}
