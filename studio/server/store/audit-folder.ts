import type { AuditHead } from '../audit/head.ts';
import { verifyChain, type AuditVerdict } from '../audit/verify.ts';
import { broken } from '../audit/record.ts';
import { readHead } from './audit-head.ts';
import { openAuditReader } from './audit-reader.ts';
import { auditPublicKey } from './keys.ts';

export interface FolderTrust {
  /** The key its head must be signed with; the one the folder names when left out. */
  readonly key?: string;
  /** Heads that were kept elsewhere. */
  readonly heads?: readonly AuditHead[];
}

/**
 * Verifies the audit of a data folder against the head beside it, and against heads from elsewhere: without the hub, and
 * without its secrets. Throws AUDIT_BROKEN with the number of the first record that does not hold.
 */
export async function verifyFolder(
  folder: string,
  trust: FolderTrust = {},
): Promise<AuditVerdict & { readonly head: AuditHead }> {
  for (let tries = 1; ; tries += 1) {
    // The head first: what is appended meanwhile is then beyond it, not before.
    const head = readHead(folder, trust.key ?? auditPublicKey(folder));
    try {
      return await verifyAgainst(folder, head, trust.heads ?? []);
    } catch (error) {
      // A hub that prunes while this looks writes another head.
      const now = readHead(folder, null);
      if (tries === MOST_TRIES || now?.signature === head?.signature) throw error;
    }
  }
}

const MOST_TRIES = 3;

async function verifyAgainst(
  folder: string,
  head: AuditHead | null,
  heads: readonly AuditHead[],
): Promise<AuditVerdict & { readonly head: AuditHead }> {
  using reader = openAuditReader(folder);
  if (head === null) throw broken(reader.to().sequence, 'its head is gone');
  const records = reader.records(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return { ...(await verifyChain(reader.from(), records, [head, ...heads])), head };
}
