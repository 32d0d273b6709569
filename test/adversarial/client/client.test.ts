import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { createApp } from '../../../studio/server/api/app.ts';
import type { Arena } from '../arena/arena.ts';
import type { AnyAttack } from '../arena/attack.ts';
import { playAttacks } from '../arena/play.ts';

type Ask = (
  method: string,
  address: string,
  body?: Json | Uint8Array | string,
) => Promise<readonly [status: number, code: string]>;

/** The hub's API as a client sees it: the status and the error's code, which is all a refusal shows. */
function clientOf(arena: Arena): Ask {
  const app = createApp(arena.hub, () => undefined);
  return async (method, address, body) => {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await app.request(`http://hub${address}`, {
      method,
      ...(body === undefined ? {} : { body: raw ? Buffer.from(body) : JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    });
    const text = await response.text();
    if (text.includes(arena.hub.folder)) return [response.status, 'a folder of the hub'];
    return [response.status, codeIn(text)];
  };
}

function codeIn(text: string): string {
  try {
    // SAFETY: every refusal of the API is an object with a code.
    return (JSON.parse(text) as { code?: string }).code ?? 'answered';
  } catch {
    return text.slice(0, 40);
  }
}

const refused = (
  name: string,
  ask: readonly [method: string, address: string, body?: Json | Uint8Array | string],
  status: number,
  code: string,
): AnyAttack => ({
  name,
  act: async (arena) => [...(await clientOf(arena)(...ask))],
  expect: { out: [status, code] },
});

const workflow = (more: Readonly<Record<string, Json>>): Json => ({
  workflow: {
    format: 'runtime-hub/workflow@1',
    name: 'w',
    nodes: { a: { type: 'calm/isolate:attack', config: {} } },
    edges: [],
    ...more,
  },
});
const INVALID = 'HUB_REQUEST_INVALID';
const RUNS = '/api/v1/runs';
const APPROVE = '/api/v1/permissions/approve';

const requests: readonly AnyAttack[] = [
  refused('a body that is no JSON is refused', ['POST', RUNS, '{"workflow":'], 400, INVALID),
  refused('a body that is a list is refused', ['POST', RUNS, []], 400, INVALID),
  refused(
    'a body with a field more is refused',
    ['POST', RUNS, { workflow: {}, as: 'root' }],
    400,
    INVALID,
  ),
  refused(
    'a body of brackets a hundred thousand deep is refused',
    ['POST', RUNS, '['.repeat(1e5)],
    400,
    INVALID,
  ),
  refused(
    'a body with bytes that are no UTF-8 is refused',
    ['POST', RUNS, new Uint8Array([0xff, 0xfe])],
    400,
    INVALID,
  ),
  refused(
    'a body whose only key is __proto__ is refused',
    ['POST', RUNS, '{"__proto__":{"workflow":{}}}'],
    400,
    INVALID,
  ),
  refused(
    'a run that is a path is not found',
    ['GET', `${RUNS}/..%2f..%2fkeys%2fdeveloper.pem`],
    404,
    'RUN_NOT_FOUND',
  ),
  refused(
    'a run that is a statement of SQL is not found',
    ['GET', `${RUNS}/x'%20OR%20'1'='1`],
    404,
    'RUN_NOT_FOUND',
  ),
  refused(
    'a run named like an object’s own is not found',
    ['GET', `${RUNS}/__proto__`],
    404,
    'RUN_NOT_FOUND',
  ),
  refused(
    'cancelling a run of somebody’s dreams is refused',
    ['POST', `${RUNS}/00000000-0000/cancel`, { reason: 'x' }],
    404,
    'RUN_NOT_FOUND',
  ),
  refused(
    'a reason of a megabyte is refused',
    ['POST', `${RUNS}/x/cancel`, { reason: 'x'.repeat(1e6) }],
    400,
    INVALID,
  ),
  refused(
    'resolving as what is no resolution is refused',
    ['POST', `${RUNS}/x/resolve`, { node: 'a', as: 'root' }],
    400,
    INVALID,
  ),
  refused(
    'removing a plugin that is a path is refused',
    ['DELETE', '/api/v1/plugins/..%2f..%2f/keys'],
    400,
    'HUB_REQUEST_INVALID',
  ),
  refused(
    'installing from a path that is not there is refused',
    ['POST', '/api/v1/plugins', { source: '/nowhere.tgz' }],
    404,
    'ARTIFACT_NOT_FOUND',
  ),
  refused(
    'installing a built-in plugin by a path is refused',
    ['POST', '/api/v1/plugins', { source: 'core/../../../etc' }],
    404,
    'ARTIFACT_NOT_FOUND',
  ),
  refused(
    'approving a plugin that is not there is refused',
    ['POST', APPROVE, { plugin: 'hostile/none', by: 'x' }],
    404,
    'PLUGIN_NOT_INSTALLED',
  ),
  refused(
    'approving what a plugin does not ask for is refused',
    ['POST', APPROVE, { plugin: 'calm/isolate', capability: 'net.http', by: 'x' }],
    400,
    INVALID,
  ),
  refused(
    'approving everything of a capability by a star is refused',
    ['POST', APPROVE, { plugin: 'calm/isolate', capability: 'fs.read', target: '*', by: 'x' }],
    400,
    INVALID,
  ),
  refused(
    'approving by nobody is refused',
    ['POST', APPROVE, { plugin: 'calm/isolate', by: '' }],
    400,
    INVALID,
  ),
  refused(
    'approving a plugin whose id is a path is refused',
    ['POST', APPROVE, { plugin: '../core', by: 'x' }],
    400,
    INVALID,
  ),
  refused(
    'revoking what was never granted is refused',
    ['POST', '/api/v1/permissions/revoke', { plugin: 'calm/isolate', by: 'x' }],
    404,
    'GRANT_NOT_FOUND',
  ),
  refused('an address above the API is not found', ['GET', '/../../etc/passwd'], 404, 'NOT_FOUND'),
  refused(
    'an address in the hub’s folder is not found',
    ['GET', '/keys/developer.pem'],
    404,
    'NOT_FOUND',
  ),
];

const documents: readonly AnyAttack[] = (
  [
    ['a format of another time', { format: 'runtime-hub/workflow@99' }],
    ['a node with a field more', { nodes: { a: { type: 'calm/isolate:attack', run: 'rm -rf' } } }],
    [
      'a node named __proto__',
      { nodes: JSON.parse('{"__proto__":{"type":"calm/isolate:attack"}}') as Json },
    ],
    ['a node named by a path', { nodes: { '../a': { type: 'calm/isolate:attack' } } }],
    ['a node type that is a path', { nodes: { a: { type: '../core:attack' } } }],
    [
      'a node type of a plugin that is not there',
      { nodes: { a: { type: 'strangers/plugin:attack' } } },
    ],
    ['a node type that is an object’s own', { nodes: { a: { type: 'calm/isolate:constructor' } } }],
    ['an edge to itself', { edges: [['a.done', 'a.run']] }],
    ['an edge to nowhere', { edges: [['a.done', 'b.run']] }],
    ['an edge through an object’s own', { edges: [['a.constructor', 'a.run']] }],
    ['a name without end', { name: 'x'.repeat(1e5) }],
    ['a deadline of years', { nodes: { a: { type: 'calm/isolate:attack', timeoutMs: 1e15 } } }],
    [
      'retries without end',
      {
        nodes: {
          a: {
            type: 'calm/isolate:attack',
            retry: { maxAttempts: 1e9, delayMs: 0, maxDelayMs: 0 },
          },
        },
      },
    ],
    ['a thousand steps at once', { settings: { maxParallelSteps: 1e9 } }],
  ] as const
).map(([name, more]) =>
  refused(
    `a workflow with ${name} is refused`,
    ['POST', RUNS, workflow(more)],
    422,
    'WORKFLOW_INVALID',
  ),
);

playAttacks([
  ...requests,
  ...documents,
  {
    name: 'a body of 65 MB is not read to its end',
    act: async (arena) => (await clientOf(arena)('POST', RUNS, new Uint8Array(65 << 20)))[0],
    expect: { out: 413 },
  },
  {
    name: 'installing a secret of the machine through a link shows nothing of it',
    act: async (arena) => {
      const folder = path.join(arena.knowledge.home, 'links');
      mkdirSync(folder, { recursive: true });
      const source = path.join(folder, 'x.tgz');
      symlinkSync(arena.knowledge.secretFile, source);
      writeFileSync(`${source}.bundle.json`, '{}');
      return [...(await clientOf(arena)('POST', '/api/v1/plugins', { source }))];
    },
    expect: { out: [422, 'SIGNATURE_MALFORMED'] },
  },
]);
