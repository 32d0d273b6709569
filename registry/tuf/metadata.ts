import { createHash } from 'node:crypto';
import { Metadata, MetadataKind, Signature, type Root } from '@tufjs/models';
import type { TufKey, TufSigner } from './keys.ts';

/** Names of the top-level roles (TUF specification, section 2.1). */
export const ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type RoleName = (typeof ROLES)[number];

export interface Role {
  readonly keys: readonly TufKey[];
  readonly threshold: number;
}

export type SignedBody = Readonly<Record<string, unknown>> & {
  readonly version: number;
  readonly expires: string;
};

const SPEC_VERSION = '1.0.31';

/** What every metadata file begins with; `expiresAt` in milliseconds since 1970. */
export function bodyOf(kind: RoleName, version: number, expiresAt: number): SignedBody & object {
  const expires = new Date(expiresAt).toISOString().replace(/\.\d+Z$/u, 'Z');
  return { _type: kind, spec_version: SPEC_VERSION, version, expires };
}

/** A metadata file: the body with one signature per signer over its canonical JSON. */
export function signedFile(kind: RoleName, body: object, signers: readonly TufSigner[]): Buffer {
  return withSignatures(parseFile(kind, { signed: body, signatures: [] }), signers);
}

/** The file with further signatures; nobody's is taken away but a signer's own older one. */
export function cosigned(kind: RoleName, text: string, signers: readonly TufSigner[]): Buffer {
  return withSignatures(parseFile(kind, JSON.parse(text)), signers);
}

function withSignatures(metadata: Parsed, signers: readonly TufSigner[]): Buffer {
  for (const signer of signers) {
    const sign = (data: Buffer): Signature =>
      new Signature({ keyID: signer.id, sig: signer.sign(data).toString('hex') });
    metadata.sign(sign);
  }
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}

/** Throws unless enough keys of `by`'s root role signed `text`. */
export function checkRootSignatures(text: string, by: string): void {
  parseRoot(by).verifyDelegate(MetadataKind.Root, parseRoot(text));
}

export function parseRoot(text: string): Metadata<Root> {
  // SAFETY: fromJSON checks the form itself and throws.
  return Metadata.fromJSON(MetadataKind.Root, JSON.parse(text) as never);
}

type Parsed = Pick<Metadata<Root>, 'sign' | 'toJSON'>;

function parseFile(kind: RoleName, json: unknown): Parsed {
  // SAFETY: fromJSON checks the form itself and throws.
  const value = json as never;
  const readers: { readonly [K in RoleName]: () => Parsed } = {
    root: () => Metadata.fromJSON(MetadataKind.Root, value),
    targets: () => Metadata.fromJSON(MetadataKind.Targets, value),
    snapshot: () => Metadata.fromJSON(MetadataKind.Snapshot, value),
    timestamp: () => Metadata.fromJSON(MetadataKind.Timestamp, value),
  };
  return readers[kind]();
}

/** Length and hash by which one file names another. */
export function pinOf(bytes: Uint8Array): {
  readonly length: number;
  readonly hashes: { readonly sha256: string };
} {
  return {
    length: bytes.length,
    hashes: { sha256: createHash('sha256').update(bytes).digest('hex') },
  };
}
