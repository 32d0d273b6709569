import { hash } from 'node:crypto';
import * as Type from 'typebox';
import type { Static } from 'typebox';
import { HubError, LogEvent } from '../../contract/index.ts';
import { guardOf } from '../guard.ts';
import { parseStrictJson } from '../strict-json.ts';
import { canonicalJson } from './canonical.ts';

/** What a publisher signed, as far as a log takes it down: DSSE payload, its one signature, and who may check it (PEM). */
export interface SignedEnvelope {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly verifier: string;
}

const closed = { additionalProperties: false } as const;
const Sha256 = Type.Object(
  { algorithm: Type.Literal('sha256'), value: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
  closed,
);

/** Rekor's dsse entry (0.0.1), which the stock verifier compares with a bundle, and beside it what the hub's log says. */
const EnvelopeLeaf = Type.Object(
  {
    apiVersion: Type.Literal('0.0.1'),
    kind: Type.Literal('dsse'),
    spec: Type.Object(
      {
        envelopeHash: Sha256,
        payloadHash: Sha256,
        signatures: Type.Array(
          Type.Object({ signature: Type.String(), verifier: Type.String() }, closed),
          { minItems: 1, maxItems: 1 },
        ),
      },
      closed,
    ),
    hub: Type.Optional(LogEvent),
  },
  closed,
);
type EnvelopeLeaf = Static<typeof EnvelopeLeaf>;
const EventLeaf = Type.Object(
  { apiVersion: Type.Literal('0.0.1'), kind: Type.Literal('hub'), spec: LogEvent },
  closed,
);
type EventLeaf = Static<typeof EventLeaf>;

const isEnvelopeLeaf = guardOf<EnvelopeLeaf>(EnvelopeLeaf);
const isEventLeaf = guardOf<EventLeaf>(EventLeaf);

/** The leaf of something signed; with the event it stands for, when the log is a registry's. */
export function envelopeLeaf(envelope: SignedEnvelope, event?: LogEvent): Buffer {
  const { payload, signature, verifier } = envelope;
  const leaf: EnvelopeLeaf = {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: sha256(Buffer.concat([payload, signature])),
      payloadHash: sha256(payload),
      signatures: [{ signature: base64(signature), verifier: base64(Buffer.from(verifier)) }],
    },
    ...(event === undefined ? {} : { hub: event }),
  };
  return Buffer.from(canonicalJson(leaf));
}

/** The leaf of anything else that happened. */
export function eventLeaf(event: LogEvent): Buffer {
  return Buffer.from(canonicalJson({ apiVersion: '0.0.1', kind: 'hub', spec: event }));
}

/** What a leaf says; null for an envelope of a log that says nothing besides. Throws LOG_LEAF_MALFORMED, also unless it is canonical. */
export function eventOf(leaf: Uint8Array): LogEvent | null {
  const value = parse(leaf);
  if (isEventLeaf(value)) return value.spec;
  if (isEnvelopeLeaf(value)) return value.hub ?? null;
  throw malformed('it is neither a signed envelope nor an event');
}

function parse(leaf: Uint8Array): unknown {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(leaf);
    value = parseStrictJson(text);
    if (canonicalJson(value) === text) return value;
  } catch (error) {
    throw new HubError('LOG_LEAF_MALFORMED', { detail: 'it is no strict JSON' }, { cause: error });
  }
  throw malformed('it is not canonical');
}

function malformed(detail: string): HubError<'LOG_LEAF_MALFORMED'> {
  return new HubError('LOG_LEAF_MALFORMED', { detail });
}

function sha256(bytes: Uint8Array): Static<typeof Sha256> {
  return { algorithm: 'sha256', value: hash('sha256', bytes) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
