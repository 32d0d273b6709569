import type { WorkflowDocument } from '@runtime-hub/plugin-sdk/contract';
import { chainOf } from '../support/hub.ts';

/** A chain of pure and of waiting, idempotent steps in turn. */
export function mixedChain(length: number): WorkflowDocument {
  return chainOf(length, (index) =>
    index % 2 === 0
      ? { type: 'core/flow:set', config: { value: index } }
      : { type: 'core/flow:delay', config: { ms: 20 } },
  );
}
