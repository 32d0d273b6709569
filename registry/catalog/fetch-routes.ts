import { Hono, type Context } from 'hono';
import { immutableReply, notFound } from '../http/index.ts';
import { requireHandedOut, versionOf, type Parts } from '../parts.ts';
import type { NamespaceRow } from '../store/index.ts';

const DIGEST_HEX = /^[0-9a-f]{128}$/u;

/** The bytes of a version, which never change. */
export function fetchRoutes(parts: Parts): Hono {
  const app = new Hono();
  const { store } = parts;
  app.get('/v1/plugins/:namespace/:name/:version/bundle', (context) => {
    const { row, namespace } = versionOf(parts, context);
    requireHandedOut(parts, context, row);
    const tag = `"${row.digest.slice(-22)}"`;
    return immutableReply(
      context.req.raw,
      tag,
      scopeOf(namespace),
      () => store.versions.bundle(row.key) ?? '',
      {
        'content-type': 'application/vnd.dev.sigstore.bundle.v0.3+json',
      },
    );
  });
  app.get('/v1/blobs/sha512/:hex', async (context) => await blobReply(parts, context));
  return app;
}

const scopeOf = ({ visibility }: NamespaceRow): 'public' | 'private' => visibility;

async function blobReply(parts: Parts, context: Context): Promise<Response> {
  const hex = context.req.param('hex') ?? '';
  const row = DIGEST_HEX.test(hex) ? parts.store.versions.byDigest(`sha512-${hex}`) : null;
  if (row === null) throw notFound('blob');
  const namespace = parts.access.requireRead(parts.caller(context), row.namespace, 'blob');
  requireHandedOut(parts, context, row);
  const blob = await parts.blobs.read(row.digest);
  if (blob === null) throw new Error('a blob is missing');
  const body = (): ReadableStream => {
    if (context.req.method === 'GET') {
      parts.downloads.add(row.plugin);
      parts.meter.count('downloads');
    }
    return blob.stream();
  };
  return immutableReply(context.req.raw, `"${hex.slice(0, 22)}"`, scopeOf(namespace), body, {
    'content-type': 'application/gzip',
    'content-length': String(blob.bytes),
    'content-disposition': 'attachment',
  });
}
