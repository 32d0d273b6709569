import * as Type from 'typebox';
import type { Static } from 'typebox';
import { BlobHandle } from './blob.ts';

const closed = { additionalProperties: false } as const;

/**
 * Stands where a secret's value belongs. The hub puts the value in on its way to the one destination the
 * permission `secrets.use:<name>@<destination>` names; no plugin ever sees it. `form`: `plain` · `basic`, the
 * value being `user:password`, becomes base64 (RFC 7617).
 */
export const SecretUse = Type.Object(
  {
    $secret: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' }),
    /** Goes before the value, e.g. `Bearer `. */
    prefix: Type.Optional(Type.String({ maxLength: 64 })),
    form: Type.Optional(Type.Unsafe<'plain' | 'basic'>({ enum: ['plain', 'basic'] })),
  },
  closed,
);
export type SecretUse = Static<typeof SecretUse>;

export const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export const HttpRequest = Type.Object(
  {
    method: Type.Unsafe<(typeof HTTP_METHODS)[number]>({ enum: [...HTTP_METHODS] }),
    /** http or https, without user and password. */
    url: Type.String({ minLength: 1, maxLength: 8192 }),
    /** Names are tokens of RFC 9110; at most 64. */
    headers: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$" }),
        Type.Union([Type.String({ maxLength: 8192 }), SecretUse]),
        closed,
      ),
    ),
    /** Text, sent as UTF-8; or a blob. */
    body: Type.Optional(Type.Union([Type.String({ maxLength: 524_288 }), BlobHandle])),
    /** For all of it, redirects included; 30 s when left out. */
    timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
    /** `follow`: at most five, each checked as if it were asked for; secrets stay with their host. */
    redirects: Type.Optional(Type.Unsafe<'follow' | 'stop'>({ enum: ['follow', 'stop'] })),
    /** How the body of the response comes: `text` (UTF-8, at most 512 KiB) or `blob`. */
    keep: Type.Optional(Type.Unsafe<'text' | 'blob'>({ enum: ['text', 'blob'] })),
    /** Most bytes of the body after decompression; 512 KiB for text and 64 MiB for a blob when left out. */
    maxBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 67_108_864 })),
  },
  closed,
);
export type HttpRequest = Static<typeof HttpRequest>;

export const HttpResponse = Type.Object(
  {
    status: Type.Integer({ minimum: 100, maximum: 999 }),
    /** Where it came from in the end. */
    url: Type.String(),
    /** Lower-case names; values of one name joined by `, `. */
    headers: Type.Record(Type.String(), Type.String()),
    text: Type.Optional(Type.String()),
    blob: Type.Optional(BlobHandle),
    sizeBytes: Type.Integer({ minimum: 0 }),
    ms: Type.Number(),
  },
  closed,
);
export type HttpResponse = Static<typeof HttpResponse>;

/** Operations of the capability `net.http`. */
export const HttpOperations = { request: { args: HttpRequest, result: HttpResponse } } as const;
