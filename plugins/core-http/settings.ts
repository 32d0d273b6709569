import * as Type from '@runtime-hub/plugin-sdk/schema';
import type { Static } from '@runtime-hub/plugin-sdk/schema';

const closed = { additionalProperties: false } as const;

const SecretName = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' });

/** How a request shows who sends it: by the name of a secret, whose value only the hub knows. */
const Auth = Type.Union([
  Type.Object({ type: Type.Literal('bearer'), secret: SecretName }, closed),
  /** The secret is `user:password`. */
  Type.Object({ type: Type.Literal('basic'), secret: SecretName }, closed),
  Type.Object(
    {
      type: Type.Literal('header'),
      secret: SecretName,
      name: Type.String({ minLength: 1, maxLength: 128 }),
      /** Goes before the secret, e.g. `Token `. */
      prefix: Type.Optional(Type.String({ maxLength: 64 })),
    },
    closed,
  ),
]);
export type Auth = Static<typeof Auth>;

const Single = Type.Union([Type.String({ maxLength: 8192 }), Type.Number(), Type.Boolean()]);

/** Added to the address; a list gives the name once for each value. */
const Query = Type.Record(
  Type.String({ minLength: 1, maxLength: 200 }),
  Type.Union([Single, Type.Array(Single, { maxItems: 100 })]),
);
export type Query = Static<typeof Query>;

/** When an answer is 429, 502, 503 or 504, or none comes. */
const Retry = Type.Object(
  {
    /** For the whole step, all its pages together. */
    times: Type.Optional(Type.Integer({ minimum: 0, maximum: 10, default: 3 })),
    firstWaitMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000, default: 500 })),
    /** A server that asks for a longer wait is not waited for. */
    longestWaitMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 300_000, default: 30_000 })),
  },
  closed,
);
export type Retry = Static<typeof Retry>;

/** What every request has. */
export const common = {
  url: Type.String({ minLength: 1, maxLength: 8192 }),
  query: Type.Optional(Query),
  headers: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.String({ maxLength: 8192 }), {
      maxProperties: 50,
    }),
  ),
  auth: Type.Optional(Auth),
  /** How the body of the answer comes out. */
  read: Type.Optional(
    Type.Unsafe<'json' | 'text' | 'blob'>({ enum: ['json', 'text', 'blob'], default: 'json' }),
  ),
  /** Statuses from 400 that do not fail the step; `any` lets all through. */
  allowStatus: Type.Optional(
    Type.Union([
      Type.Literal('any'),
      Type.Array(Type.Integer({ minimum: 400, maximum: 599 }), { maxItems: 100 }),
    ]),
  ),
  /** For one request with its redirects. */
  timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000, default: 30_000 })),
  maxBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 67_108_864 })),
  redirects: Type.Optional(
    Type.Unsafe<'follow' | 'stop'>({ enum: ['follow', 'stop'], default: 'follow' }),
  ),
  retry: Type.Optional(Retry),
};

const PageCount = Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 10 }));
/** Keys with dots between them. */
const Path = Type.String({ minLength: 1, maxLength: 500 });
const Parameter = Type.String({ minLength: 1, maxLength: 200 });

/** How the next page is found; `itemsAt` is where a page has its list, the whole of it when left out. */
export const Paging = Type.Union([
  /** By the header Link with rel="next" (RFC 8288), on the same host. */
  Type.Object(
    { by: Type.Literal('link'), itemsAt: Type.Optional(Path), maxPages: PageCount },
    closed,
  ),
  /** By a value in the page, given back as a parameter of the address. */
  Type.Object(
    {
      by: Type.Literal('cursor'),
      cursorAt: Path,
      parameter: Parameter,
      itemsAt: Type.Optional(Path),
      maxPages: PageCount,
    },
    closed,
  ),
  /** By a number, until a page has no items. */
  Type.Object(
    {
      by: Type.Literal('number'),
      parameter: Parameter,
      first: Type.Optional(Type.Integer({ minimum: 0, default: 1 })),
      itemsAt: Type.Optional(Path),
      maxPages: PageCount,
    },
    closed,
  ),
]);
export type Paging = Static<typeof Paging>;

const CommonObject = Type.Object(common, closed);
export type Common = Static<typeof CommonObject>;
