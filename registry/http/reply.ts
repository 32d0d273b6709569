import { hash } from 'node:crypto';

/** Part of every answer: no browser guesses at a type. Given with the others, as headers set later cost a copy of the answer. */
export const PLAIN = { 'x-content-type-options': 'nosniff' } as const;

/** An answer that is kept, with its entity tag, so that asking again costs nothing. */
export interface Kept {
  /** As bytes, or each answer would encode it anew. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly tag: string;
}

export const keep = (body: string): Kept => ({
  body: new Uint8Array(Buffer.from(body)),
  tag: `"${hash('sha256', body, 'base64url').slice(0, 22)}"`,
});

/** JSON with an entity tag; 304 when the asker has it (RFC 9110 section 13.1.2). */
export function keptReply(request: Request, { body, tag }: Kept, cache = 'no-cache'): Response {
  const headers = { ...PLAIN, etag: tag, 'cache-control': cache, vary: 'authorization' };
  if (hasTag(request, tag)) return new Response(null, { status: 304, headers });
  return new Response(body, { headers: { ...headers, 'content-type': 'application/json' } });
}

/** Bytes that never change under their address. `scope`: `private` for what not everybody may read. */
export function immutableReply(
  request: Request,
  tag: string,
  scope: 'public' | 'private',
  body: () => string | Uint8Array<ArrayBuffer> | ReadableStream,
  headers: Readonly<Record<string, string>>,
): Response {
  const all = {
    ...PLAIN,
    etag: tag,
    'cache-control': `${scope}, max-age=31536000, immutable`,
    ...(scope === 'private' ? { vary: 'authorization' } : {}),
  };
  if (hasTag(request, tag)) return new Response(null, { status: 304, headers: all });
  return new Response(body(), { headers: { ...all, ...headers } });
}

export function jsonReply(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { ...PLAIN, 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

function hasTag(request: Request, tag: string): boolean {
  const asked = request.headers.get('if-none-match');
  if (asked === null) return false;
  return asked.split(',').some((it) => it.trim().replace(/^W\//u, '') === tag || it.trim() === '*');
}
