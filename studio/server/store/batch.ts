import type { WriteRequest } from './requests.ts';

type AuditRequest = Extract<WriteRequest, readonly ['audit', ...unknown[]]>;

/** Requests on their way to the writer's thread; audit records in a row as one text, which is copied many times faster than lists are. */
export type Batch = readonly (string | WriteRequest)[];

/** Neither an id nor JSON without spaces has a line break. */
const BREAK = '\n';

export function pack(requests: readonly WriteRequest[]): Batch {
  const batch: (string | WriteRequest)[] = [];
  let records: string[] = [];
  const close = (): void => {
    if (records.length > 0) batch.push(records.join(BREAK));
    records = [];
  };
  for (const request of requests) {
    if (request[0] === 'audit') {
      records.push(request[1], request[2]);
      continue;
    }
    close();
    batch.push(request);
  }
  close();
  return batch;
}

/** What was packed, in the same order. */
export function* unpack(batch: Batch): Generator<WriteRequest, void> {
  for (const it of batch) {
    if (typeof it === 'string') yield* recordsIn(it);
    else yield it;
  }
}

function* recordsIn(text: string): Generator<AuditRequest, void> {
  const parts = text.split(BREAK);
  for (let at = 0; at < parts.length; at += 2)
    yield ['audit', parts[at] ?? '', parts[at + 1] ?? ''];
}
