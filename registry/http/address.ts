import type { Context } from 'hono';

/** The address a request came from; `unknown` when it came over no socket. */
export function addressOf(context: Context): string {
  // SAFETY: @hono/node-server hands in the node request; without it there is no `incoming`.
  const env = context.env as {
    readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
  };
  return env?.incoming?.socket?.remoteAddress ?? 'unknown';
}
