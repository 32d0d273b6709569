import * as Type from 'typebox';
import type { Static } from 'typebox';
import { AnyJson, HubError, type Json } from '../contract/index.ts';
import { guardOf } from './guard.ts';
import { LogEntry, isOneTree } from './log/entry.ts';
import { PAYLOAD_TYPE } from './statement.ts';
import { parseStrictJson } from './strict-json.ts';

const MAX_BUNDLE_BYTES = 1024 * 1024;
const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const closed = { additionalProperties: false } as const;
const Base64 = Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' });

const receipts = {
  tlogEntries: Type.Optional(Type.Array(LogEntry, { maxItems: 1 })),
  timestampVerificationData: Type.Optional(
    Type.Object({ rfc3161Timestamps: Type.Optional(Type.Array(AnyJson, { maxItems: 0 })) }, closed),
  ),
};

/** The only form of bundle the hub accepts: DSSE, one signature, a key's hint or a certificate, one log's receipt at most. */
const BundleForm = Type.Object(
  {
    mediaType: Type.Literal(MEDIA_TYPE),
    verificationMaterial: Type.Union([
      Type.Object(
        {
          publicKey: Type.Object({ hint: Type.String({ minLength: 1, maxLength: 200 }) }, closed),
          ...receipts,
        },
        closed,
      ),
      Type.Object({ certificate: Type.Object({ rawBytes: Base64 }, closed), ...receipts }, closed),
    ]),
    dsseEnvelope: Type.Object(
      {
        payload: Base64,
        payloadType: Type.Literal(PAYLOAD_TYPE),
        signatures: Type.Array(
          Type.Object({ sig: Base64, keyid: Type.Optional(Type.String()) }, closed),
          { minItems: 1, maxItems: 1 },
        ),
      },
      closed,
    ),
  },
  closed,
);
type BundleForm = Static<typeof BundleForm>;
const isBundle = guardOf<BundleForm>(BundleForm);

/** Who a bundle says signed it: nobody has vouched for that yet. */
export type Claim = { readonly hint: string } | { readonly certificate: Buffer };

/** A bundle of the right form, before anything in it is believed. */
export interface Bundle {
  readonly json: Json;
  readonly claim: Claim;
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** The payload's JSON. */
  readonly statement: unknown;
  readonly receipt: LogEntry | null;
}

/** A bundle with its log's receipt. */
export type LoggedBundle = Bundle & { readonly receipt: LogEntry };

/** Reads a bundle's form and what it says. Throws SIGNATURE_MALFORMED. */
export function parseBundle(text: string): Bundle {
  const bundle = parse(text);
  if (!isBundle(bundle)) throw malformed(problemOf(isBundle));
  const { dsseEnvelope, verificationMaterial: material } = bundle;
  const [receipt = null] = material.tlogEntries ?? [];
  if (receipt !== null && !isOneTree(receipt)) throw malformed('its log entry speaks of two trees');
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  return {
    // SAFETY: it was just parsed from JSON.
    json: bundle as unknown as Json,
    claim:
      'publicKey' in material
        ? { hint: material.publicKey.hint }
        : { certificate: Buffer.from(material.certificate.rawBytes, 'base64') },
    payload,
    signature: Buffer.from(dsseEnvelope.signatures[0]?.sig ?? '', 'base64'),
    statement: parseJson(payload.toString('utf8'), 'its payload'),
    receipt,
  };
}

/** As `parseBundle`, for what must have been logged. Throws SIGNATURE_MALFORMED. */
export function parseLoggedBundle(text: string): LoggedBundle {
  const { receipt, ...bundle } = parseBundle(text);
  if (receipt === null) throw malformed('no log has given it a receipt');
  return { ...bundle, receipt };
}

/** The bundle with this receipt and nobody else's. Throws SIGNATURE_MALFORMED. */
export function mergeReceipt(bundleText: string, receipt: LogEntry): string {
  return withReceipts(bundleText, [receipt]);
}

/** The bundle as its publisher signed it, without the receipts of any log or clock. Throws SIGNATURE_MALFORMED. */
export function withoutReceipts(bundleText: string): string {
  return withReceipts(bundleText, []);
}

function withReceipts(text: string, tlogEntries: readonly LogEntry[]): string {
  const bundle = parse(text);
  const material = isObject(bundle) ? bundle['verificationMaterial'] : null;
  if (!isObject(bundle) || !isObject(material)) throw malformed('it has no verification material');
  const { timestampVerificationData: _clocks, ...rest } = material;
  const merged = JSON.stringify({ ...bundle, verificationMaterial: { ...rest, tlogEntries } });
  parseBundle(merged);
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  if (Buffer.byteLength(text) > MAX_BUNDLE_BYTES) throw malformed('it is over 1 MB');
  return parseJson(text, 'it');
}

function parseJson(text: string, what: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (error) {
    const detail = `${what} is not strict JSON`;
    throw new HubError('SIGNATURE_MALFORMED', { detail }, { cause: error });
  }
}

/** Why a guard refused, as a reason without the value. */
export function problemOf({
  problems: [error],
}: {
  readonly problems: readonly { readonly instancePath: string; readonly message?: string }[];
}): string {
  return `${error?.instancePath ?? ''} ${error?.message ?? 'has another form'}`.trim();
}

export function malformed(detail: string): HubError<'SIGNATURE_MALFORMED'> {
  return new HubError('SIGNATURE_MALFORMED', { detail });
}
