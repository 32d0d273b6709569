import * as Type from '@runtime-hub/plugin-sdk/schema';
import {
  AnyJson,
  BlobHandle,
  type HttpResponse,
  type Json,
} from '@runtime-hub/plugin-sdk/contract';
import { jsonOf } from './answer.ts';
import type { Common } from './settings.ts';

const Answer = Type.Object(
  {
    status: Type.Integer(),
    url: Type.String(),
    headers: Type.Record(Type.String(), Type.String()),
    sizeBytes: Type.Integer(),
    ms: Type.Number(),
    /** Requests that were sent, those that were repeated too. */
    requests: Type.Integer(),
  },
  { additionalProperties: false },
);

/** The body comes out at the port that `read` names, what else there is to know at “response”. */
export const bodyOutputs = {
  json: AnyJson,
  text: Type.String(),
  blob: BlobHandle,
  response: Answer,
};

/** What `response` says of an answer. */
export const about = ({ status, url, headers, sizeBytes, ms }: HttpResponse, requests: number) => ({
  status,
  url,
  headers,
  sizeBytes,
  ms,
  requests,
});

/** The body of an answer, at its port. */
export function bodyOf(
  response: HttpResponse,
  read: NonNullable<Common['read']>,
): { json: Json } | { text: string } | { blob: BlobHandle } | object {
  if (read === 'json') return { json: jsonOf(response) };
  if (read === 'text') return { text: response.text ?? '' };
  return response.blob === undefined ? {} : { blob: response.blob };
}
