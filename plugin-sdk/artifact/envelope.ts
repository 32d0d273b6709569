import * as Type from 'typebox';
import type { Static } from 'typebox';
import { AnyJson, HubError, type Json } from '../contract/index.ts';
import { guardOf } from './guard.ts';
import { Base64, LogEntry, isOneTree } from './log-entry.ts';
import { PAYLOAD_TYPE, type Statement } from './statement.ts';
import { parseStrictJson } from './strict-json.ts';

const MAX_BUNDLE_BYTES = 1024 * 1024;
const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const closed = { additionalProperties: false } as const;

/** The only form of bundle the hub accepts: DSSE, one signature, a public-key hint, exactly one log entry. */
const BundleForm = Type.Object(
  {
    mediaType: Type.Literal(MEDIA_TYPE),
    verificationMaterial: Type.Object(
      {
        publicKey: Type.Object({ hint: Type.String({ minLength: 1, maxLength: 200 }) }, closed),
        tlogEntries: Type.Array(LogEntry, { minItems: 1, maxItems: 1 }),
        timestampVerificationData: Type.Optional(
          Type.Object(
            { rfc3161Timestamps: Type.Optional(Type.Array(AnyJson, { maxItems: 0 })) },
            closed,
          ),
        ),
      },
      closed,
    ),
    dsseEnvelope: Type.Object(
      {
        payload: Base64,
        payloadType: Type.Literal(PAYLOAD_TYPE),
        signatures: Type.Array(
          Type.Object({ sig: Base64, keyid: Type.Optional(Type.String()) }, closed),
          {
            minItems: 1,
            maxItems: 1,
          },
        ),
      },
      closed,
    ),
  },
  closed,
);
type BundleForm = Static<typeof BundleForm>;

const StatementForm = Type.Object(
  {
    _type: Type.String(),
    subject: Type.Array(
      Type.Object(
        { name: Type.String(), digest: Type.Object({ sha512: Type.String() }, closed) },
        closed,
      ),
    ),
    predicateType: Type.String(),
    predicate: Type.Object(
      { manifest: AnyJson, files: Type.Record(Type.String(), Type.String()) },
      closed,
    ),
  },
  closed,
);

const isBundle = guardOf<BundleForm>(BundleForm);
const isStatement = guardOf<Statement>(StatementForm);

/** Reads a bundle's form and what it says, before anything in it is believed. Throws SIGNATURE_MALFORMED. */
export function checkEnvelope(text: string): {
  readonly bundle: Json;
  readonly hint: string;
  readonly statement: Statement;
} {
  if (Buffer.byteLength(text) > MAX_BUNDLE_BYTES) throw malformed('it is over 1 MB');
  const bundle = parse(text, 'it');
  if (!isBundle(bundle)) throw malformed(reason(isBundle.problems[0]));
  const { dsseEnvelope, verificationMaterial } = bundle;
  if (!verificationMaterial.tlogEntries.every(isOneTree))
    throw malformed('its log entry speaks of two trees');
  const statement = parse(
    Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8'),
    'its payload',
  );
  if (!isStatement(statement)) throw malformed(`payload: ${reason(isStatement.problems[0])}`);
  // SAFETY: it was just parsed from JSON.
  return {
    bundle: bundle as unknown as Json,
    hint: verificationMaterial.publicKey.hint,
    statement,
  };
}

function parse(text: string, what: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (error) {
    throw new HubError(
      'SIGNATURE_MALFORMED',
      { detail: `${what} is not strict JSON` },
      { cause: error },
    );
  }
}

function reason(
  error: { readonly instancePath: string; readonly message?: string } | undefined,
): string {
  return `${error?.instancePath ?? ''} ${error?.message ?? 'has another form'}`.trim();
}

function malformed(detail: string): HubError<'SIGNATURE_MALFORMED'> {
  return new HubError('SIGNATURE_MALFORMED', { detail });
}
