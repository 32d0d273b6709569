export { attestationRoutes, NewAttestation } from './attest.ts';
export { latestOf, newestFirst } from './commit.ts';
export { publishRoutes, releaseAged, requireWritable } from './routes.ts';
