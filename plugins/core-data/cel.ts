// Before the library, which makes a decoder when it loads.
import './text-decoder.ts';
import {
  CelScalar,
  celEnv,
  celFunc,
  isCelError,
  isCelList,
  isCelMap,
  isCelUint,
  parse,
  plan,
} from '@bufbuild/cel';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { createLanguage, type Budget } from '@runtime-hub/plugin-sdk/expression';
import { MAX_DEPTH } from './plain-json.ts';

const language = createLanguage({
  library: {
    CelScalar,
    celEnv,
    celFunc,
    isCelError,
    isCelList,
    isCelMap,
    isCelUint,
    parse,
    plan,
  },
  variables: ['item', 'index'],
  maxDepth: MAX_DEPTH,
  checkKey: (key) => {
    if (key === '__proto__') throw new Error('a key of the result is “__proto__”');
  },
});

/** The value of an expression for one item. Throws a plain Error that quotes no value. */
export type ItemExpression = (item: Json, index: number, budget: Budget) => Json;

/** Compiles a CEL expression over `item` and `index`. Throws a plain Error with the parser’s message. */
export function compileForItems(text: string): ItemExpression {
  const evaluate = language.compile(text);
  return (item, index, budget) => evaluate({ item, index }, budget);
}
