import { cel } from './cel.ts';

const MAX_KNOWN = 10_000;
const known = new Map<string, readonly string[]>();

/** Names of steps that an expression reads, `steps.a` or `steps["a"]`; none when it cannot be parsed. */
export function stepsRead(text: string): readonly string[] {
  const before = known.get(text);
  if (before !== undefined) return before;
  const names = text.includes('steps') ? [...new Set(namesIn(parse(text)))] : [];
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, names);
  return names;
}

function parse(text: string): object {
  try {
    return cel().parse(text);
  } catch {
    return {};
  }
}

/** What stands after `steps` anywhere in a parsed expression (cel.expr.Expr of the CEL specification). */
function namesIn(expression: object): readonly string[] {
  const names: unknown[] = [];
  const open: unknown[] = [expression];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part !== 'object' || part === null) continue;
    if (isSteps(at(part, 'operand'))) names.push(at(part, 'field'));
    if (isSteps(at(part, 'args', 0)))
      names.push(at(part, 'args', 1, 'exprKind', 'value', 'constantKind', 'value'));
    for (const inner of Object.values(part)) if (inner !== undefined) open.push(inner);
  }
  return names.filter((name) => typeof name === 'string');
}

const isSteps = (part: unknown): boolean =>
  at(part, 'exprKind', 'case') === 'identExpr' && at(part, 'exprKind', 'value', 'name') === 'steps';

/** What lies at a path inside a value; undefined when nothing does. */
function at(value: unknown, ...path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}
