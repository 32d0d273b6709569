export { openStore, DATABASE_FILE, type Store } from './store.ts';
export type { AuditRecord } from './audit.ts';
export type { DocumentName } from './documents.ts';
export type { Question } from './listed.ts';
export type { KeyEvent, NamespaceRow } from './namespaces.ts';
export { TOKEN_SCOPES, type TokenRow, type TokenScope } from './tokens.ts';
export type { VersionRow } from './versions.ts';
export type { WorkloadRow } from './workloads.ts';
