import { Hono } from 'hono';
import { parseWorkflow, validateWorkflow } from '@runtime-hub/kernel';
import { HubError, runId, type WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import type { Hub } from '../hub.ts';
import { bodyReader } from './body.ts';

const Start = Type.Object({ workflow: Type.Unknown() }, { additionalProperties: false });
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
  const readStart = bodyReader(Start);
  const readReason = bodyReader(Reason);
  const readResolution = bodyReader(Resolution);
  return new Hono()
    .get('/', (context) => context.json({ runs: hub.store.runs.list({ limit: 200 }) }))
    .post('/', async (context) => {
      const workflow = check(hub, (await readStart(context)).workflow);
      const { run } = await hub.engine.start(workflow);
      return context.json({ run }, 202);
    })
    .post('/activations', async (context) => {
      const workflow = check(hub, (await readStart(context)).workflow);
      await hub.activations.get(workflow.name)?.stop();
      hub.activations.set(workflow.name, hub.engine.activate(workflow));
      return context.json({ activation: workflow.name }, 202);
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

function check(hub: Hub, value: unknown): WorkflowDocument {
  const workflow = parseWorkflow(value);
  const problems = validateWorkflow(workflow, hub.plugins);
  if (problems.length > 0) throw new HubError('WORKFLOW_INVALID', { problems });
  return workflow;
}
