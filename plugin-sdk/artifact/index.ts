export { admit, type Release } from './admit.ts';
export { packArtifact } from './pack.ts';
export { parseManifest } from './parse-manifest.ts';
export { digestOf, readArtifact, sha256Of, type Artifact } from './read.ts';
export { signRelease, type PublisherKey } from './sign.ts';
export { type LocalLog, type LogStore } from './local-log.ts';
export { limitsOf, parseTrustPolicy, readTrustPolicy, type TrustPolicy } from './trust-policy.ts';
export { checkFiles, verifyRelease, type ReleaseTrust, type VerifiedRelease } from './verify.ts';
