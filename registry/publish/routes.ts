import { Hono } from 'hono';
import { HubError, StateChange, type VersionState } from '@runtime-hub/plugin-sdk/contract';
import { publisherNamespace, requireKeeper, requireReviewer } from '../auth/index.ts';
import { PLAIN, bodyReader, invalid, jsonReply, notFound } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import { readSettings } from '../settings.ts';
import { relist } from './commit.ts';
import { publish } from './publish.ts';
import { moveVersion, type Move } from './states.ts';
import { readUpload } from './upload.ts';

const readChange = bodyReader(StateChange);
const MOVES = {
  approve: 'active',
  deprecate: 'deprecated',
  yank: 'yanked',
  revoke: 'revoked',
} as const;
const KEY = /^[\w.:-]{1,128}$/u;

/** Everything that makes or changes a version. */
export function publishRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.post('/v1/publish', async (context) => {
    requireWritable(parts);
    const caller = parts.caller(context);
    publisherNamespace(caller);
    parts.rates.publishes.take(caller.actor);
    const key = context.req.header('idempotency-key') ?? null;
    if (key !== null && !KEY.test(key)) throw invalid('Idempotency-Key', 'has another form');
    const upload = await readUpload(context.req.raw, parts.limits);
    const { status, body } = await publish(parts, { upload, caller, key });
    return new Response(body, {
      status,
      headers: { ...PLAIN, 'content-type': 'application/json' },
    });
  });
  for (const [act, to] of Object.entries(MOVES))
    app.post(`/v1/plugins/:namespace/:name/:version/${act}`, async (context) => {
      requireWritable(parts);
      const { namespace, name, version } = context.req.param();
      const plugin = `${namespace}/${name}`;
      const caller = parts.caller(context);
      parts.access.requireRead(caller, namespace, 'version');
      if (act === 'approve') requireReviewer(caller);
      else requireKeeper(caller, plugin);
      parts.rates.publishes.take(caller.actor);
      const { reason } = await readChange(context.req.raw);
      return jsonReply(
        changeState(parts, { plugin, version }, { to, actor: caller.actor, reason }),
      );
    });
  return app;
}

/** Throws REGISTRY_READ_ONLY while an admin has stopped all changes. */
export function requireWritable({ store }: Parts): void {
  if (readSettings(store).readOnly) throw new HubError('REGISTRY_READ_ONLY', {});
}

/** Moves a version to another state, durably, and tells so. Throws REGISTRY_NOT_FOUND or REGISTRY_STATE_CONFLICT. */
export function changeState(
  parts: Parts,
  { plugin, version }: { readonly plugin: string; readonly version: string },
  move: Move,
): {
  readonly id: string;
  readonly version: string;
  readonly state: VersionState;
  readonly logIndex: number;
} {
  const { store } = parts;
  const { logIndex, namespace } = store.transaction(() => {
    const row = store.versions.get(plugin, version);
    const owner = row === null ? null : store.namespaces.get(row.namespace);
    if (row === null || owner === null) throw notFound('version');
    const index = moveVersion(parts, owner, row, move);
    relist(store, plugin);
    const { actor, to, reason } = move;
    parts.audit({ actor, act: `version.${to}`, target: `${plugin}@${version}`, detail: reason });
    return { logIndex: index, namespace: owner };
  });
  const isPrivate = namespace.visibility === 'private';
  parts.changed({
    plugin,
    version,
    namespace: namespace.name,
    isPrivate,
    state: move.to,
    logIndex,
  });
  return { id: plugin, version, state: move.to, logIndex };
}

/** Lets go what has waited long enough; how many. */
export function releaseAged(parts: Parts): number {
  const now = parts.clock.now();
  const due = parts.store.versions
    .open()
    .filter((it) => it.heldUntil !== null && it.heldUntil <= now);
  for (const { plugin, version } of due)
    changeState(
      parts,
      { plugin, version },
      { to: 'active', actor: 'registry', reason: 'it has waited long enough' },
    );
  return due.length;
}
