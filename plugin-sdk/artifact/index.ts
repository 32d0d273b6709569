export { admit, type Keyrings, type Release } from './admit.ts';
export {
  requireApprovals,
  signAttestation,
  verifyAttestation,
  type AttestationKind,
  type AttestationSubject,
  type Judgement,
  type VerifiedAttestation,
} from './attestation.ts';
export { mergeReceipt, parseBundle, withoutReceipts, type Bundle } from './bundle.ts';
export type { OidcLogin } from './fulcio.ts';
export type { OidcIdentity, OidcTrust } from './identity.ts';
export { endorse, type KeyChange } from './key-change.ts';
export { COOL_DOWN_MS, keyringFrom, signersOf, withKeyEvent, type LoggedEvent } from './keyring.ts';
export { openCheckpoint, signCheckpoint, type Checkpoint } from './log/checkpoint.ts';
export {
  LogClient,
  type CheckpointStore,
  type LogClientPorts,
  type LogSource,
} from './log/client.ts';
export { LogEntry, entryFor, type LoggedLeaf } from './log/entry.ts';
export { eventLeaf, eventOf } from './log/leaf.ts';
export type { LocalLog, LogStore } from './log/local-log.ts';
export { isConsistent, isIncluded, leafHash } from './log/merkle.ts';
export type { LogKey, LogSigner } from './log/note.ts';
export { consistencyFromTiles, inclusionFromTiles, type ReadTile } from './log/tile-proofs.ts';
export {
  entryTile,
  entryTilesOf,
  hasTile,
  hashTile,
  parseEntryTile,
  parseTilePath,
  tileNodes,
  tilePath,
  tilesOf,
  type TileId,
} from './log/tiles.ts';
export {
  MemoryTree,
  appended,
  consistencyProof,
  inclusionProof,
  rootAt,
  type TreeNode,
  type TreeNodes,
} from './log/tree.ts';
export { packArtifact } from './pack.ts';
export { parseManifest } from './parse-manifest.ts';
export { readPublicKey, type KeyAlgorithm } from './public-key.ts';
export { digestOf, readArtifact, sha256Of, type Artifact } from './read.ts';
export { logBundle, publicationLeaf } from './receipt.ts';
export { signArtifact, signRelease, spkiOf, type PublisherKey } from './sign.ts';
export { trustedRootOf } from './stock-verifier.ts';
export { checkAge, checkPermissions, isHostDenied, requirementsOf } from './policy-checks.ts';
export {
  entriesFor,
  keysBy,
  limitsOf,
  mayBeUnsigned,
  parseTrustPolicy,
  readTrustPolicy,
  type PolicyNamespace,
  type PolicyRegistry,
  type TrustPolicy,
} from './trust-policy.ts';
export { unboundedKey, type ReleaseTrust, type TrustedKey, type TrustedOrigin } from './trust.ts';
export { verifyUnlogged, type CurrentSigners } from './unlogged.ts';
export { checkFiles, verifyRelease, type VerifiedRelease } from './verify.ts';
