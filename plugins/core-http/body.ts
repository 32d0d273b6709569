import { unfit } from '@runtime-hub/plugin-sdk';
import type { BlobHandle, HttpRequest, Json } from '@runtime-hub/plugin-sdk/contract';
import { encoded } from './address.ts';

export type BodyForm = 'json' | 'text' | 'form' | 'blob';

interface Body {
  readonly body: NonNullable<HttpRequest['body']>;
  readonly type: string;
}

const MAX_TEXT = 524_288;

/** The body of a request and its content type; null for none. Throws STEP_INPUT_INVALID. */
export function buildBody(value: Json | undefined, form: BodyForm): Body | null {
  if (value === undefined) return null;
  if (form === 'blob') {
    if (!isBlob(value)) throw unfit('/body', 'is no blob', 'Connect a port that gives one.');
    return { body: value, type: value.mime };
  }
  const body = textOf(value, form);
  if (body.length > MAX_TEXT)
    throw unfit('/body', `is longer than ${String(MAX_TEXT)} characters`, 'Send it as a blob.');
  return { body, type: TYPES[form] };
}

const TYPES = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  form: 'application/x-www-form-urlencoded',
} as const;

function textOf(value: Json, form: 'json' | 'text' | 'form'): string {
  if (form === 'json') return JSON.stringify(value);
  if (form === 'form') return formOf(value);
  if (typeof value === 'string') return value;
  throw unfit('/body', 'is no text', 'Set bodyAs to “json”, or give text.');
}

function formOf(value: Json): string {
  const wrong = unfit('/body', 'is no object of single values', 'Set bodyAs to “json”.');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong;
  const parts = Object.entries(value).map(([name, item]) => {
    if (typeof item === 'object') throw wrong;
    return `${encoded(name)}=${encoded(item)}`;
  });
  return parts.join('&').replaceAll('%20', '+');
}

const isBlob = (value: Json): value is BlobHandle =>
  typeof value === 'object' &&
  value !== null &&
  '$blob' in value &&
  typeof value['$blob'] === 'string' &&
  'mime' in value &&
  typeof value['mime'] === 'string';
