import type { ErrorCode, ErrorData } from '@runtime-hub/plugin-sdk/contract';

/** What the writer is asked to make durable. Texts are JSON made by the hub's main thread. */
export type WriteRequest =
  | readonly ['create', id: string, name: string, createdAt: number, record: string]
  | readonly ['append', id: string, epoch: number, seq: number, count: number, entries: string]
  | readonly ['end', id: string, epoch: number, status: string, at: number]
  | readonly ['claim', id: string]
  | readonly ['audit', plugin: string, record: string]
  /** Forgets records up to a number, oldest first, at most so many at once; its answer is how many. */
  | readonly ['prune-audit', upTo: number, most: number]
  /** Counts of one plugin version on one day, in the order of the table's columns; takes the place of earlier ones. */
  | readonly ['meter', plugin: string, version: string, day: string, counts: readonly number[]]
  | readonly ['state', plugin: string, workflow: string, key: string, value: string]
  | readonly ['forget-state', plugin: string]
  /** Nothing: its answer tells that all before it is durable. */
  | readonly ['sync'];

/** How one request went: a number (an epoch, 0 for nothing to tell) or the error its sender gets. */
export type WriteAnswer = number | WriteRefusal;

type RefusalCode = Extract<ErrorCode, 'RUN_FENCED' | 'RUN_CONFLICT' | 'RUN_NOT_FOUND'>;
export type WriteRefusal = {
  readonly [C in RefusalCode]: { readonly code: C; readonly data: ErrorData[C] };
}[RefusalCode];

/** From the writer: ready, the answers to one batch in its order, or why it had to stop for good. */
export type WriterMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'committed'; readonly answers: readonly WriteAnswer[] }
  | { readonly kind: 'broken'; readonly message: string };
