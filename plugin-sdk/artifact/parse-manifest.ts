import type { ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import semver from 'semver';
import {
  HubError,
  IMPLICIT_INPUT,
  IMPLICIT_OUTPUTS,
  Manifest,
  type NodeType,
  type Problem,
} from '../contract/index.ts';
import { guardOf } from './guard.ts';

const isManifest = guardOf<Manifest>(Manifest);

/** The manifest that `value` holds; throws MANIFEST_INVALID with every problem. */
export function parseManifest(value: unknown): Manifest {
  if (!isManifest(value)) {
    throw new HubError('MANIFEST_INVALID', { problems: isManifest.problems.map(problemOf) });
  }
  const problems = meaningProblems(value);
  if (problems.length > 0) throw new HubError('MANIFEST_INVALID', { problems });
  return value;
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
  const problems: Problem[] = [];
  if (semver.valid(manifest.version) === null) {
    problems.push({
      at: '/version',
      message: 'is not a semver version',
      cure: 'use MAJOR.MINOR.PATCH',
    });
  }
  if (semver.validRange(manifest.engine) === null) {
    problems.push({ at: '/engine', message: 'is not a semver range', cure: 'for instance ^1.0.0' });
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
    new Ajv2020({ strict: true }).compile(schema);
    return [];
  } catch (error) {
    const message = error instanceof Error ? error.message.slice(0, 200) : 'is not a JSON Schema';
    return [{ at, message, cure: 'use a JSON Schema that ajv accepts in strict mode' }];
  }
}
