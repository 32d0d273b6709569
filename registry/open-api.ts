import type { TSchema } from 'typebox';
import { ProblemDetails } from '@runtime-hub/plugin-sdk/contract';
import { JSON_TYPE, OPERATIONS, type Operation } from './operations.ts';

/** OpenAPI 3.1 of the whole interface, from the schemas that requests are checked by. */
export const OPEN_API = {
  openapi: '3.1.0',
  info: { title: 'Runtime Hub registry', version: '1' },
  components: {
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    schemas: { Problem: ProblemDetails },
  },
  paths: pathsOf(),
};

function pathsOf(): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {};
  for (const [at, operation] of Object.entries(OPERATIONS)) {
    const [method = '', path = ''] = at.split(' ');
    paths[path] = { ...paths[path], [method]: described(path, operation) };
  }
  return paths;
}

function described(
  path: string,
  { summary, needs, query = [], takes, gives, status = 200 }: Operation,
): object {
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/gu)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...query.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
  ];
  const problem = {
    description: 'Why not',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return {
    summary,
    parameters,
    ...(needs === '-' ? {} : { security: [{ token: [needs] }] }),
    ...(takes === undefined ? {} : { requestBody: { required: true, content: contentOf(takes) } }),
    responses: {
      [status]: { description: summary, ...(gives === '' ? {} : { content: contentOf(gives) }) },
      default: problem,
    },
  };
}

function contentOf(what: TSchema | string): object {
  if (what === 'multipart') {
    const binary = { type: 'string', format: 'binary' };
    const schema = {
      type: 'object',
      properties: { artifact: binary, bundle: binary },
      required: ['artifact', 'bundle'],
    };
    return { 'multipart/form-data': { schema } };
  }
  return typeof what === 'string' ? { [what]: {} } : { [JSON_TYPE]: { schema: what } };
}
