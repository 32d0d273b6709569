import { HubError, WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { Ajv, type ValidateFunction } from 'ajv';

/** Compiled when first needed, so that a hub starts without it. */
let known: ValidateFunction<WorkflowDocument> | null = null;

/** Turns unknown JSON into a workflow document. Throws WORKFLOW_INVALID with every problem. */
export function parseWorkflow(value: unknown): WorkflowDocument {
  const isWorkflow = (known ??= new Ajv({ strict: false, allErrors: true }).compile(
    WorkflowDocument,
  ));
  if (isWorkflow(value)) return value;
  throw new HubError('WORKFLOW_INVALID', {
    problems: (isWorkflow.errors ?? []).map((error) => ({
      at: error.instancePath === '' ? '/' : error.instancePath,
      message: error.message ?? 'is not valid',
      cure: 'See the workflow format runtime-hub/workflow@1.',
    })),
  });
}
