import { hash } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { StateChange } from '@runtime-hub/plugin-sdk/contract';
import { requireAdmin, requireReviewer } from '../auth/index.ts';
import { bodyReader, immutableReply, jsonReply } from '../http/index.ts';
import type { Parts } from '../parts.ts';
import { NewAttestation, requireWritable } from '../publish/index.ts';
import type { Mirrors } from './mirrors.ts';

const readChange = bodyReader(StateChange);
const readAttestation = bodyReader(NewAttestation);
const VERSION = '/mirror/:origin/v1/plugins/:namespace/:name/:version';

/** Mirrors as their origins answer, and what people of this registry decide about them. */
export function mirrorRoutes(parts: Parts, mirrors: Mirrors): Hono {
  const app = new Hono();
  app.get('/mirror/:origin/v1/*', async (context) => {
    const { pathname, search } = new URL(context.req.url);
    const path = pathname.slice(pathname.indexOf('/v1/'));
    return answered(
      context,
      path,
      await mirrors.answer(context.req.param('origin'), path + search),
    );
  });
  app.get('/v1/admin/mirrors', (context) => {
    requireAdmin(parts.caller(context));
    return jsonReply({ mirrors: mirrors.list() });
  });
  app.post('/mirror/:origin/sync', async (context) => {
    requireAdmin(parts.caller(context));
    requireWritable(parts);
    return jsonReply(await mirrors.look(context.req.param('origin')));
  });
  app.post(`${VERSION}/approve`, async (context) => {
    const { actor } = reviewer(parts, context);
    const { reason } = await readChange(context.req.raw);
    const { origin, ...named } = versionIn(context);
    await mirrors.approve(origin, named, { by: actor, reason });
    note(parts, context, actor, { act: 'mirror.approve', detail: reason });
    return jsonReply({ origin, ...named, approved: true });
  });
  app.post(`${VERSION}/attestations`, async (context) => {
    const { actor } = reviewer(parts, context);
    const vouched = await readAttestation(context.req.raw);
    const { origin, ...named } = versionIn(context);
    await mirrors.vouch(origin, named, vouched);
    note(parts, context, actor, { act: `mirror.${vouched.kind}`, detail: '' });
    return jsonReply({ origin, ...named, kind: vouched.kind }, 201);
  });
  return app;
}

function reviewer(parts: Parts, context: Context): { readonly actor: string } {
  const caller = parts.caller(context);
  requireReviewer(caller);
  requireWritable(parts);
  return caller;
}

function versionIn(context: Context) {
  const param = (name: string): string => context.req.param(name) ?? '';
  const id = `${param('namespace')}/${param('name')}`;
  return { origin: param('origin'), id, version: param('version') };
}

function note(
  parts: Parts,
  context: Context,
  actor: string,
  more: { readonly act: string; readonly detail: string },
): void {
  const { origin, id, version } = versionIn(context);
  parts.audit({ actor, target: `${origin}/${id}@${version}`, ...more });
}

function answered(context: Context, path: string, body: Buffer): Response {
  const bytes = new Uint8Array(body);
  const [, blob] = /^\/v1\/blobs\/sha512\/([0-9a-f]{22})/u.exec(path) ?? [];
  const type = blob === undefined ? 'application/json' : 'application/gzip';
  const headers = { 'content-type': typeOf(path, type), 'content-length': String(body.length) };
  if (blob !== undefined)
    return immutableReply(context.req.raw, `"${blob}"`, 'public', () => bytes, headers);
  const etag = `"${hash('sha256', bytes, 'base64url').slice(0, 22)}"`;
  const fresh = { etag, 'cache-control': 'no-cache' };
  if (context.req.header('if-none-match') === etag)
    return new Response(null, { status: 304, headers: fresh });
  return new Response(bytes, { headers: { ...headers, ...fresh } });
}

function typeOf(path: string, other: string): string {
  if (path === '/v1/log/checkpoint') return 'text/plain; charset=utf-8';
  return path.startsWith('/v1/log/tile/') ? 'application/octet-stream' : other;
}
