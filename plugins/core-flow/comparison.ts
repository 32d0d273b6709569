import * as Type from '@runtime-hub/plugin-sdk/schema';

export type Operator = '>' | '>=' | '<' | '<=' | '=' | '!=';

export const Operator = Type.Unsafe<Operator>({ enum: ['>', '>=', '<', '<=', '=', '!='] });

/** Whether `value operator other` holds. */
export function holds(value: number, operator: Operator, other: number): boolean {
  switch (operator) {
    case '>':
      return value > other;
    case '>=':
      return value >= other;
    case '<':
      return value < other;
    case '<=':
      return value <= other;
    case '=':
      return value === other;
    case '!=':
      return value !== other;
  }
}
