import * as Type from 'typebox';
import { HubError, type Json, type Manifest } from '../contract/index.ts';
import { digestOf, sha256Of, type Artifact } from './read.ts';
import { parseStrictJson } from './strict-json.ts';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const PREDICATE_TYPE = 'https://runtime-hub.dev/attestation/plugin-release/v1';
export const MANIFEST_FILE = 'manifest.json';
const MAX_MANIFEST_BYTES = 1024 * 1024;

const closed = { additionalProperties: false } as const;
/** What a statement speaks of: package URLs and SHA-512, in hex. */
export const Subjects = Type.Array(
  Type.Object(
    { name: Type.String(), digest: Type.Object({ sha512: Type.String() }, closed) },
    closed,
  ),
);

/** What a publisher signs: an in-toto statement (v1) over the artifact, its manifest and each of its files. */
export interface Statement {
  readonly _type: string;
  readonly subject: readonly {
    readonly name: string;
    readonly digest: Readonly<Record<string, string>>;
  }[];
  readonly predicateType: string;
  readonly predicate: { readonly manifest: Json; readonly files: Readonly<Record<string, string>> };
}

/** `pkg:hub/<ns>/<name>@<version>` (package URL). */
export function subjectName(id: string, version: string): string {
  return `pkg:hub/${id}@${version}`;
}

/** The statement for an artifact; throws ARTIFACT_MALFORMED when it has no manifest. */
export function statementFor(
  packed: Uint8Array,
  { files }: Artifact,
  manifest: Manifest,
): Statement {
  return {
    _type: STATEMENT_TYPE,
    subject: [
      {
        name: subjectName(manifest.id, manifest.version),
        digest: { sha512: digestOf(packed).slice('sha512-'.length) },
      },
    ],
    predicateType: PREDICATE_TYPE,
    predicate: {
      // SAFETY: a manifest is plain JSON.
      manifest: manifest as unknown as Json,
      files: Object.fromEntries([...files].map(([path, bytes]) => [path, sha256Of(bytes)])),
    },
  };
}

/** The artifact's own manifest as JSON; throws ARTIFACT_MALFORMED. */
export function manifestJson({ files }: Artifact): Json {
  const bytes = files.get(MANIFEST_FILE);
  if (bytes === undefined)
    throw new HubError('ARTIFACT_MALFORMED', {
      rule: 'manifest',
      detail: `there is no ${MANIFEST_FILE}`,
    });
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new HubError('ARTIFACT_MALFORMED', {
      rule: 'manifest',
      detail: `${MANIFEST_FILE} is over 1 MB`,
    });
  try {
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HubError(
      'ARTIFACT_MALFORMED',
      { rule: 'manifest', detail: `${MANIFEST_FILE} is not strict JSON` },
      { cause: error },
    );
  }
}
