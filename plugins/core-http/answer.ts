import type { HttpRequest, HttpResponse, Json } from '@runtime-hub/plugin-sdk/contract';
import { originOf } from './address.ts';
import { failed } from './problems.ts';
import type { Common } from './settings.ts';

/** Levels a value may be nested; a frame to the hub may hold 64, some of them its own. */
const MAX_DEPTH = 48;

/** Throws STEP_FAILED for a status from 400 that the settings don’t allow. */
export function checkStatus(
  { method, url }: HttpRequest,
  { status }: HttpResponse,
  { allowStatus = [] }: Pick<Common, 'allowStatus'>,
): void {
  if (status < 400 || allowStatus === 'any' || allowStatus.includes(status)) return;
  throw failed(`${hostOf(url)} answered ${method} with status ${String(status)}`);
}

/** The JSON of an answer; null when it has no body. Throws STEP_FAILED for what can’t be handed on. */
export function jsonOf(response: HttpResponse): Json {
  const text = response.text ?? '';
  if (text.trim() === '') return null;
  const host = hostOf(response.url);
  checkDepth(text, host);
  const value = parse(text, host);
  if (/__proto__|\\u/u.test(text)) checkKeys(value, host);
  return value;
}

const hostOf = (url: string): string => originOf(url)?.replace(/^.*\/\/(?:.*@)?/u, '') ?? 'It';

function parse(text: string, host: string): Json {
  try {
    // SAFETY: JSON.parse gives JSON.
    return JSON.parse(text) as Json;
  } catch {
    throw failed(`${host} answered with what is not JSON; read it as text`);
  }
}

/** Before it is parsed: a text of brackets alone would take all the memory there is. */
function checkDepth(text: string, host: string): void {
  let depth = 0;
  for (const [mark] of text.matchAll(/"(?:[^"\\]+|\\.)*"?|[[\]{}]/gsu)) {
    if (mark === '[' || mark === '{') depth += 1;
    else if (mark === ']' || mark === '}') depth -= 1;
    if (depth > MAX_DEPTH)
      throw failed(`${host} answered with JSON nested deeper than ${String(MAX_DEPTH)}`);
  }
}

/** No frame may hold the one key that would reach into prototypes. */
function checkKeys(value: Json, host: string): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value) && Object.hasOwn(value, '__proto__'))
    throw failed(`${host} answered with the key “__proto__”`);
  for (const item of Object.values(value)) checkKeys(item, host);
}
