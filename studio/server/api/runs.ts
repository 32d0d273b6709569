import { Hono, type Context } from 'hono';
import { parseWorkflow, validateWorkflow } from '@runtime-hub/kernel';
import {
  DEFAULT_WORKSPACE,
  HubError,
  WorkspaceSchema,
  runId,
  type WorkflowDocument,
} from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import type { Hub } from '../hub.ts';
import { bodyReader } from './body.ts';

const Start = Type.Object(
  { workflow: Type.Unknown(), workspace: Type.Optional(WorkspaceSchema) },
  { additionalProperties: false },
);
const Reason = Type.Object(
  { reason: Type.String({ maxLength: 200 }) },
  { additionalProperties: false },
);
const Resolution = Type.Object(
  {
    node: Type.String(),
    as: Type.Unsafe<'done' | 'retry' | 'fail'>({ enum: ['done', 'retry', 'fail'] }),
  },
  { additionalProperties: false },
);

/** Runs, and activations (workflows that wait for their triggers). */
export function runRoutes(hub: Hub): Hono {
  const read = startReader(hub);
  const readReason = bodyReader(Reason);
  const readResolution = bodyReader(Resolution);
  return new Hono()
    .get('/', (context) => context.json({ runs: hub.store.runs.list({ limit: 200 }) }))
    .post('/', async (context) => {
      const { workflow, workspace } = await read(context);
      const { run } = await hub.engine.start(workflow, { workspace });
      return context.json({ run }, 202);
    })
    .post('/activations', async (context) => {
      const { workflow, workspace } = await read(context);
      // No workspace's name has a colon: one workflow listens once in each.
      const activation = `${workspace}:${workflow.name}`;
      await hub.activations.get(activation)?.stop();
      hub.activations.set(activation, hub.engine.activate(workflow, workspace));
      return context.json({ activation }, 202);
    })
    .delete('/activations/:name', async (context) => {
      const name = context.req.param('name');
      await hub.activations.get(name)?.stop();
      return context.json({ stopped: hub.activations.delete(name) });
    })
    .get('/:id', (context) => {
      const id = runId(context.req.param('id'));
      const stored = hub.store.runs.get(id);
      if (stored === null) throw new HubError('RUN_NOT_FOUND', { run: id });
      return context.json({ ...stored, live: hub.engine.status(id) });
    })
    .post('/:id/cancel', async (context) => {
      const { reason } = await readReason(context);
      await hub.engine.cancel(runId(context.req.param('id')), reason);
      return context.json({ cancelled: true }, 202);
    })
    .post('/:id/resolve', async (context) => {
      const { node, as } = await readResolution(context);
      await hub.engine.resolve(runId(context.req.param('id')), node, as);
      return context.json({ resolved: true }, 202);
    });
}

function startReader(hub: Hub) {
  const readStart = bodyReader(Start);
  return async (context: Context) => {
    const { workflow, workspace = DEFAULT_WORKSPACE } = await readStart(context);
    return { workflow: check(hub, workflow), workspace };
  };
}

function check(hub: Hub, value: unknown): WorkflowDocument {
  const workflow = parseWorkflow(value);
  const problems = validateWorkflow(workflow, hub.plugins);
  if (problems.length > 0) throw new HubError('WORKFLOW_INVALID', { problems });
  return workflow;
}
