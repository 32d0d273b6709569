import { createRequire } from 'node:module';
import type { AnyNode, CallExpression, MemberExpression, ObjectExpression, Program } from 'acorn';
import type * as Walk from 'acorn-walk';
import { CAPABILITY_NAMES } from '../contract/index.ts';
import type { Code, Found } from './code.ts';

/** A file while it is read. */
export type Draft = {
  -readonly [K in keyof Code]: Code[K] extends readonly (infer T)[] ? T[] : Code[K];
} & {
  /** The line of an offset, from 1. */
  lineAt(offset: number): number;
};

const require = createRequire(import.meta.url);
/** Loaded when the first file is read: a hub only verifies. */
let walk: typeof Walk;

const LONG_TEXT = 512;
/** What browsers and Node give, and no plugin's jail does. */
const WATCHED = new Set([
  'fetch',
  'WebSocket',
  'XMLHttpRequest',
  'EventSource',
  'process',
  'require',
  'Deno',
  'Bun',
  'importScripts',
  'document',
  'localStorage',
  'WebAssembly',
]);

/** Writes down what a program does. */
export function collect(program: Program, code: Draft): void {
  // SAFETY: the types of the very package.
  walk ??= require('acorn-walk') as typeof Walk;
  const known = namesKnown(program);
  walk.ancestor(program, {
    ImportDeclaration: ({ source }) =>
      void code.imports.push(found(code, source, String(source.value))),
    ExportNamedDeclaration({ source }) {
      if (source) code.imports.push(found(code, source, String(source.value)));
    },
    ExportAllDeclaration: ({ source }) =>
      void code.imports.push(found(code, source, String(source.value))),
    MemberExpression(node) {
      // `(() => 0).constructor` is `Function`, and so is the constructor of any constructor.
      const isFunction = /^(?:ArrowFunction|Function)Expression$/u.test(node.object.type);
      if (keyIn(node) !== 'constructor') return;
      if (
        isFunction ||
        (node.object.type === 'MemberExpression' && keyIn(node.object) === 'constructor')
      )
        code.evals.push(found(code, node, 'the constructor of functions'));
    },
    ImportExpression(node) {
      const text = textOf(node.source);
      if (text === null) code.computedImports.push(found(code, node, 'import(…)'));
      else code.imports.push(found(code, node, text));
    },
    Literal(node) {
      if (typeof node.value === 'string') keepText(node, node.value, code);
    },
    TemplateElement: (node) => keepText(node, node.value.cooked ?? '', code),
    NewExpression(node) {
      if (nameOf(node.callee) === 'Function') code.evals.push(found(code, node, 'new Function'));
    },
    CallExpression: (node, _state, ancestors) => call(node, ancestors, code),
    Identifier(node) {
      if (!WATCHED.has(node.name) || known.has(node.name)) return;
      if (!code.globals.some((it) => it.text === node.name))
        code.globals.push(found(code, node, node.name));
    },
  });
}

function keepText(node: AnyNode, text: string, code: Draft): void {
  if (text.length >= LONG_TEXT) code.longTexts.push(found(code, node, text));
}

function call(node: CallExpression, ancestors: readonly AnyNode[], code: Draft): void {
  globalCall(node, code);
  const { callee } = node;
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return;
  const verb = callee.property.name;
  if (verb === 'call') capabilityCall(node, ancestors, code);
  // What a step was handed may be read without asking.
  if (callee.object.type !== 'MemberExpression' || verb === 'read') return;
  const kept = nameOf(callee.object.property);
  if ((kept !== 'state' && kept !== 'blobs') || !isContext(callee.object.object)) return;
  const at = { line: code.lineAt(node.start), effect: effectAround(ancestors) };
  code.uses.push({ ...at, capability: kept, operation: verb, method: null });
}

function globalCall(node: CallExpression, code: Draft): void {
  const name = nameOf(node.callee);
  const [first] = node.arguments;
  if (name === 'eval' || name === 'Function') code.evals.push(found(code, node, name));
  if ((name === 'setTimeout' || name === 'setInterval') && first?.type === 'Literal')
    code.evals.push(found(code, node, `${name} of a text`));
  if (name !== 'require') return;
  const text = textOf(first);
  if (text === null) code.computedImports.push(found(code, node, 'require(…)'));
  else code.imports.push(found(code, node, text));
}

function capabilityCall(node: CallExpression, ancestors: readonly AnyNode[], code: Draft): void {
  const [first, second, third] = node.arguments;
  const text = textOf(first);
  const isOnContext = node.callee.type === 'MemberExpression' && isContext(node.callee.object);
  const capability = CAPABILITY_NAMES.find((it) => it === text);
  // Nobody calls a function with `net.http` as its `this`; with `log` somebody might.
  if (capability !== undefined && (isOnContext || capability.includes('.'))) {
    const method = third === undefined ? null : methodIn(third);
    const at = { line: code.lineAt(node.start), effect: effectAround(ancestors) };
    code.uses.push({ ...at, capability, operation: textOf(second), method });
  } else if (text === null && isOnContext && node.arguments.length === 3) {
    code.computedUses.push(found(code, node, 'context.call(…)'));
  }
}

/** What plugin code calls its context, or a field that holds it; `call` of a function has another meaning. */
const isContext = (node: AnyNode): boolean => /^#?_?(?:context|ctx)$/u.test(lastName(node));

function lastName(node: AnyNode): string {
  if (node.type === 'MemberExpression') return lastName(node.property);
  return node.type === 'Identifier' || node.type === 'PrivateIdentifier' ? node.name : '';
}

function methodIn(node: AnyNode): string | null {
  let method: string | null = null;
  walk.simple(node, {
    Property({ key, value }) {
      if (keyOf(key) === 'method') method ??= textOf(value);
    },
  });
  return method;
}

/** `effect` of the nearest object around that says one, which is how nodes are declared. */
function effectAround(ancestors: readonly AnyNode[]): string | null {
  for (const node of ancestors.toReversed()) {
    const effect = node.type === 'ObjectExpression' ? effectIn(node) : null;
    if (effect !== null) return effect;
  }
  return null;
}

/** Each object is looked through once, however many calls are in it. */
const effects = new WeakMap<ObjectExpression, { readonly effect: string | null }>();

function effectIn(node: ObjectExpression): string | null {
  let known = effects.get(node);
  if (known === undefined) {
    const said = node.properties.find((it) => it.type === 'Property' && keyOf(it.key) === 'effect');
    known = { effect: said?.type === 'Property' ? textOf(said.value) : null };
    effects.set(node, known);
  }
  return known.effect;
}

/** Name of the field that is read; null when it is computed. */
const keyIn = ({ property, computed }: MemberExpression): string | null =>
  property.type === 'Identifier' && !computed ? property.name : textOf(property);

function keyOf(key: AnyNode): string | null {
  return key.type === 'Identifier' ? key.name : textOf(key);
}

const found = (code: Draft, { start }: Pick<AnyNode, 'start'>, text: string): Found => ({
  line: code.lineAt(start),
  text,
});

/** Every name that anything in the file declares, wherever, or asks for with `typeof` and so can do without. */
function namesKnown(program: Program): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (node: AnyNode | null | undefined): void => {
    if (node?.type === 'Identifier') names.add(node.name);
  };
  walk.simple(program, {
    VariablePattern: add,
    Function: ({ id }) => add(id),
    Class: ({ id }) => add(id),
    ImportDeclaration({ specifiers }) {
      for (const it of specifiers) add(it.local);
    },
    UnaryExpression({ operator, argument }) {
      if (operator === 'typeof') add(argument);
    },
    // SAFETY: acorn-walk calls this one for every name in a pattern; its types leave it out.
  } as Parameters<typeof Walk.simple>[1]);
  return names;
}

function textOf(node: AnyNode | undefined): string | null {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? null;
  return null;
}

function nameOf(node: AnyNode): string | null {
  if (node.type === 'Identifier') return node.name;
  // `(0, eval)('…')` and `globalThis.eval('…')`.
  if (node.type === 'SequenceExpression') return nameOf(node.expressions.at(-1) ?? node);
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return null;
  if (!/^(?:globalThis|global|window|self)$/u.test(node.object.name)) return null;
  return keyIn(node);
}
