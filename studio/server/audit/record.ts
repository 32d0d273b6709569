import { HubError, type AuditRecord } from '@runtime-hub/plugin-sdk/contract';

const MAX_TEXT_LENGTH = 4096;

/** The one text of a record: its fields in this order, JSON without spaces, what a plugin chose cut to 4,096 characters. */
export function recordText(it: AuditRecord): string {
  return JSON.stringify({
    at: it.at,
    plugin: it.plugin,
    need: short(it.need),
    operation: short(it.operation),
    decision: it.decision,
    run: it.run,
    node: it.node === null ? null : short(it.node),
    by: it.by === null ? null : short(it.by),
    ...(it.workspace === undefined ? {} : { workspace: it.workspace }),
    ...(it.reason === undefined ? {} : { reason: it.reason }),
  } satisfies AuditRecord);
}

/** Says that the audit does not hold from record `record` on. */
export const broken = (
  record: number,
  detail: string,
  options?: { readonly cause: unknown },
): HubError<'AUDIT_BROKEN'> => new HubError('AUDIT_BROKEN', { record, detail }, options);

function short(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  return `${text.slice(0, MAX_TEXT_LENGTH)}… (${String(text.length)} characters)`;
}
