import { Hono, type Context } from 'hono';
import { parseTilePath } from '@runtime-hub/plugin-sdk/artifact';
import { PLAIN, immutableReply, invalid, jsonReply, keep, notFound } from '../http/index.ts';
import type { Parts } from '../parts.ts';

/** The transparency log: C2SP tlog-tiles, and what clients that read no tiles ask for. */
export function logRoutes({ log }: Parts): Hono {
  const app = new Hono();
  app.get('/v1/log/checkpoint', (context) => {
    const { body, tag } = keep(log.checkpoint());
    const headers = { ...PLAIN, etag: tag, 'cache-control': 'no-cache' };
    if (context.req.header('if-none-match') === tag)
      return new Response(null, { status: 304, headers });
    return new Response(body, {
      headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' },
    });
  });
  app.get('/v1/log/tile/*', (context) => {
    const tile = parseTilePath(context.req.path.slice('/v1/log/'.length));
    const bytes = tile === null ? null : log.tile(tile);
    if (bytes === null) throw notFound('tile');
    const tag = keep(bytes.toString('latin1')).tag;
    return immutableReply(context.req.raw, tag, 'public', () => new Uint8Array(bytes), {
      'content-type': 'application/octet-stream',
    });
  });
  app.get('/v1/log/proof', (context) => {
    const [from, to] = [countOf(context, 'from', 0), countOf(context, 'to', log.size())];
    const proof = log.consistency(from, to);
    if (proof === null) throw invalid('to', 'is no size of this log');
    return jsonReply({ from, to, proof });
  });
  app.get('/v1/log/inclusion', (context) => {
    const leaf = log.proven(countOf(context, 'index', 0), countOf(context, 'size', log.size()));
    if (leaf === null) throw notFound('leaf');
    return jsonReply(leaf);
  });
  return app;
}

export function countOf(context: Context, name: string, other: number): number {
  const text = context.req.query(name);
  if (text === undefined) return other;
  if (/^[0-9]{1,15}$/u.test(text)) return Number(text);
  throw invalid(name, 'is no whole number');
}
