export { auditRoutes } from './audit.ts';
export { backupRoutes, restore } from './backup.ts';
export { NewNamespace, adminNamespaceRoutes } from './namespaces.ts';
export { reviewRoutes } from './review.ts';
export { settingsRoutes } from './settings.ts';
export { NewToken, tokenRoutes } from './tokens.ts';
export { NewIssuer, NewWorkload, workloadRoutes } from './workloads.ts';
