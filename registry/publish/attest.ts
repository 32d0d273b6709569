import { Hono } from 'hono';
import * as Type from 'typebox';
import {
  mergeReceipt,
  parseBundle,
  publicationLeaf,
  unboundedKey,
  verifyAttestation,
  withoutReceipts,
  type AttestationKind,
} from '@runtime-hub/plugin-sdk/artifact';
import { hash } from 'node:crypto';
import { requireKeeper, requireReviewer, type Caller } from '../auth/index.ts';
import { bodyReader, invalid, jsonReply } from '../http/index.ts';
import { versionOf, type Parts } from '../parts.ts';
import type { VersionRow } from '../store/index.ts';
import { requireWritable } from './routes.ts';

/** `spki`: key that signed, base64 DER; readers trust it by their own policy, not because it is here. */
export const NewAttestation = Type.Object(
  {
    kind: Type.Unsafe<AttestationKind>({ enum: ['scan', 'review', 'org-approval'] }),
    bundle: Type.String({ maxLength: 512 * 1024 }),
    spki: Type.String({ maxLength: 1024 }),
  },
  { additionalProperties: false },
);
const readAttestation = bodyReader(NewAttestation);
const MAX_ATTESTATIONS = 100;

/** What others than the publisher vouch for, logged like a release. */
export function attestationRoutes(parts: Parts): Hono {
  const app = new Hono();
  const path = '/v1/plugins/:namespace/:name/:version/attestations';
  app.get(path, (context) => {
    const { row } = versionOf(parts, context);
    return jsonReply({ attestations: parts.store.attestations.of(row.key) });
  });
  app.post(path, async (context) => {
    requireWritable(parts);
    const { row } = versionOf(parts, context);
    const caller = parts.caller(context);
    requireVoice(caller, row.plugin);
    parts.rates.publishes.take(caller.actor);
    const logIndex = attest(parts, row, await readAttestation(context.req.raw), caller.actor);
    return jsonReply({ id: row.plugin, version: row.version, logIndex }, 201);
  });
  return app;
}

function requireVoice(caller: Caller, plugin: string): void {
  if (caller.token?.scope === 'review') requireReviewer(caller);
  else requireKeeper(caller, plugin);
}

/** Logs an attestation and keeps it with the log's receipt; its leaf. */
function attest(
  { store, log, clock, audit }: Parts,
  row: VersionRow,
  { kind, bundle: given, spki }: Type.Static<typeof NewAttestation>,
  actor: string,
): number {
  const { plugin: id, version, digest, key } = row;
  const bundle = withoutReceipts(given);
  const { claim } = parseBundle(bundle);
  if (!('hint' in claim)) throw invalid('bundle', 'is signed with a certificate');
  return store.transaction(() => {
    if (store.attestations.of(key).length >= MAX_ATTESTATIONS)
      throw invalid('version', 'has 100 attestations');
    const index = log.append(publicationLeaf(bundle, spki));
    const merged = mergeReceipt(bundle, log.receipt(index, clock.now()));
    const keys = new Map([[claim.hint, unboundedKey(spki)]]);
    const origin = { origin: log.origin, logKey: log.spki, keys };
    verifyAttestation(merged, kind, { id, version, digest }, { originsFor: () => [origin] });
    // By what was signed: the receipt is another each time.
    if (!store.attestations.add(key, merged, hash('sha256', bundle)))
      throw invalid('bundle', 'is there already');
    audit({ actor, act: `attestation.${kind}`, target: `${id}@${version}`, detail: claim.hint });
    return index;
  });
}
