import { HubError, type StepContext } from '@runtime-hub/plugin-sdk';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { compileForItems, type ItemExpression } from './cel.ts';
import { newBudget } from './plain-json.ts';
import { turns } from './turns.ts';

interface Wanted {
  readonly items: readonly Json[];
  /** Setting that holds the expression, and the expression. */
  readonly field: string;
  readonly expression: string;
}

/** The value of an expression for each item, in order. Throws STEP_EXPRESSION_FAILED naming the item’s index. */
export async function valuesOf(
  { items, field, expression }: Wanted,
  context: Pick<StepContext, 'signal' | 'sleep'>,
): Promise<Json[]> {
  const budget = newBudget();
  function* values(): Generator<Json, void> {
    const evaluate = compiled(field, expression);
    for (const [index, item] of items.entries()) {
      try {
        yield evaluate(item, index, budget);
      } catch (cause) {
        throw failed(`/items/${String(index)}`, expression, cause);
      }
    }
  }
  return await turns.collect(context, values());
}

function compiled(field: string, expression: string): ItemExpression {
  try {
    return compileForItems(expression);
  } catch (cause) {
    throw failed(`/${field}`, expression, cause);
  }
}

function failed(at: string, expression: string, cause: unknown): HubError {
  const message = cause instanceof Error ? cause.message : 'it can’t be read';
  return new HubError('STEP_EXPRESSION_FAILED', { at, expression, message }, { cause });
}
