import * as Type from '@runtime-hub/plugin-sdk/schema';
import { AnyJson } from '@runtime-hub/plugin-sdk/contract';

export const Items = Type.Array(AnyJson);

/** What stands between the cells of a CSV row. */
export type Delimiter = ',' | ';' | '\t' | '|';
export const Delimiter = Type.Unsafe<Delimiter>({ enum: [',', ';', '\t', '|'], default: ',' });
/** Names of keys or columns. */
export const Names = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 1000 });
