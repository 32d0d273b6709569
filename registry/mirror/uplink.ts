import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { HubError, ORIGIN_PATTERN } from '@runtime-hub/plugin-sdk/contract';
import semver from 'semver';
import * as Type from 'typebox';
import type { Static } from 'typebox';

const closed = { additionalProperties: false } as const;
/** An id, `namespace/*`, or `*` before and after the slash for all. */
const Pattern = Type.String({
  pattern: '^(\\*/\\*|[a-z][a-z0-9-]{1,38}/(\\*|[a-z][a-z0-9-]{1,38}))$',
});

/** What of an origin a mirror takes; the log's own words decide, never a list that somebody made of it. */
export const Filters = Type.Object(
  {
    /** One of these must cover a plugin. */
    allow: Type.Array(Pattern, { minItems: 1, maxItems: 1000 }),
    /** None of these may. */
    deny: Type.Array(Pattern, { maxItems: 1000 }),
    /** The last entry that covers a plugin says which versions of it. */
    ranges: Type.Array(
      Type.Object({ match: Pattern, range: Type.String({ maxLength: 64 }) }, closed),
      {
        maxItems: 1000,
      },
    ),
    /** How long a version must have been out, by the origin's own log. */
    minAgeHours: Type.Number({ minimum: 0, maximum: 87_600 }),
    /** True: a person of this registry lets each version go. */
    review: Type.Boolean(),
  },
  closed,
);
export type Filters = Static<typeof Filters>;

export const Uplink = Type.Object(
  {
    origin: Type.String({ pattern: ORIGIN_PATTERN }),
    /** Null: it is only filled by imports. */
    url: Type.Union([Type.Null(), Type.String({ pattern: '^https?://[^ ?#]+$', maxLength: 2048 })]),
    logKey: Type.String({ maxLength: 1024 }),
    tufRootSha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** How old the origin's newest checkpoint may be for something new to be taken. */
    maxMetadataAgeHours: Type.Number({ minimum: 0, maximum: 87_600 }),
    /** Minutes between two looks at the origin. */
    everyMinutes: Type.Number({ minimum: 0.01, maximum: 10_080 }),
    /** True: what is allowed is taken when somebody first asks for it, not all at once. */
    pull: Type.Boolean(),
    filters: Filters,
  },
  closed,
);
export type Uplink = Static<typeof Uplink>;

export const TAKE_ALL: Filters = {
  allow: ['*/*'],
  deny: [],
  ranges: [],
  minAgeHours: 0,
  review: false,
};

const isUplink = new Ajv2020({ strict: true, validateSchema: false }).compile<Uplink>(Uplink);
const FILE = 'uplink.json';

/** Where a registry keeps its mirrors, one folder per origin. */
const mirrorsFolder = (data: string): string => join(data, 'mirrors');
export const mirrorFolder = (data: string, origin: string): string =>
  join(mirrorsFolder(data), origin.replace(':', '_'));

/** Throws REGISTRY_UNKNOWN, or REGISTRY_REQUEST_INVALID for settings of another form. */
export function readUplink(folder: string, origin: string): Uplink {
  const file = join(folder, FILE);
  if (!existsSync(file)) throw new HubError('REGISTRY_UNKNOWN', { registry: origin });
  return parseUplink(JSON.parse(readFileSync(file, 'utf8')));
}

export function writeUplink(folder: string, uplink: Uplink): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const file = join(folder, FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(parseUplink(uplink), null, 2)}\n`, {
    flush: true,
  });
  renameSync(`${file}.new`, file);
}

/** Every mirror of a registry; a folder that is half made is passed over. */
export function allUplinks(data: string): readonly Uplink[] {
  const root = mirrorsFolder(data);
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, FILE)))
    .map((name) => readUplink(join(root, name), name));
}

function parseUplink(value: unknown): Uplink {
  const refuse = (field: string, problem: string): HubError =>
    new HubError('REGISTRY_REQUEST_INVALID', { field, problem });
  if (!isUplink(value)) {
    const [problem] = isUplink.errors ?? [];
    throw refuse(problem?.instancePath || 'uplink', problem?.message ?? 'it has another form');
  }
  if (value.filters.ranges.some(({ range }) => semver.validRange(range) === null))
    throw refuse('filters/ranges', 'one is no semver range');
  return value;
}
