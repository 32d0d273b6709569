import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DigestSchema,
  HubError,
  PluginIdSchema,
  VersionSchema,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as Type from 'typebox';
import type { Static } from 'typebox';
import { replaceFile } from './durable-file.ts';

const closed = { additionalProperties: false } as const;

/** Which stored versions of a plugin there are, and which of them runs. Digests name versions. */
const PluginRecord = Type.Object(
  {
    versions: Type.Array(Type.Object({ digest: DigestSchema, version: VersionSchema }, closed)),
    current: Type.Union([DigestSchema, Type.Null()]),
    /** What was current before, the latest first. */
    previous: Type.Array(DigestSchema),
    /** Waits for a person. */
    held: Type.Union([DigestSchema, Type.Null()]),
    /** No update moves it. */
    pinned: Type.Boolean(),
  },
  closed,
);
export type PluginRecord = Static<typeof PluginRecord>;

/** Why a version may never run here again. */
const RevokedVersion = Type.Object(
  {
    plugin: PluginIdSchema,
    version: VersionSchema,
    reason: Type.String(),
    origin: Type.String(),
    logIndex: Type.Integer({ minimum: 0 }),
    at: Type.Number(),
  },
  closed,
);
export type RevokedVersion = Static<typeof RevokedVersion>;

const Records = Type.Object(
  {
    version: Type.Literal(1),
    plugins: Type.Record(Type.String(), PluginRecord),
    /** By digest; also of versions that are not stored here, so that they never will be. */
    revoked: Type.Record(Type.String(), RevokedVersion),
  },
  closed,
);
type Records = Static<typeof Records>;

const NOTHING: PluginRecord = {
  versions: [],
  current: null,
  previous: [],
  held: null,
  pinned: false,
};

/** The durable memory of the plugin store; each change is on the disk when it returns. */
export class PluginRecords {
  readonly #file: string;
  readonly #plugins: Map<string, PluginRecord>;
  readonly #revoked: Map<string, RevokedVersion>;
  /** True when there was no file: a new folder, or one of an older hub. */
  readonly isNew: boolean;

  /** Throws HUB_REQUEST_INVALID when the file is damaged: what was revoked or held must not be forgotten in silence. */
  constructor(home: string) {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    this.#file = join(home, '.records.json');
    this.isNew = !existsSync(this.#file);
    const records = this.isNew ? null : parse(readFileSync(this.#file, 'utf8'));
    this.#plugins = new Map(Object.entries(records?.plugins ?? {}));
    this.#revoked = new Map(Object.entries(records?.revoked ?? {}));
  }

  ids(): readonly PluginId[] {
    // SAFETY: `set` alone makes these keys.
    return [...this.#plugins.keys()] as PluginId[];
  }

  get(id: PluginId): PluginRecord {
    return this.#plugins.get(id) ?? NOTHING;
  }

  /** A record without versions is forgotten. */
  set(id: PluginId, change: Partial<PluginRecord>): void {
    const next = { ...this.get(id), ...change };
    if (next.versions.length === 0) this.#plugins.delete(id);
    else this.#plugins.set(id, next);
    this.#write();
  }

  revocationOf(digest: string): RevokedVersion | null {
    return this.#revoked.get(digest) ?? null;
  }

  revoke(digest: string, revoked: RevokedVersion): void {
    this.#revoked.set(digest, revoked);
    this.#write();
  }

  digests(): ReadonlySet<string> {
    return new Set(
      [...this.#plugins.values()].flatMap((it) => it.versions.map((one) => one.digest)),
    );
  }

  #write(): void {
    const records: Records = {
      version: 1,
      plugins: Object.fromEntries(this.#plugins),
      revoked: Object.fromEntries(this.#revoked),
    };
    replaceFile(this.#file, Buffer.from(`${JSON.stringify(records, null, 2)}\n`));
  }
}

function parse(text: string): Records {
  const value = jsonOf(text);
  const isRecords = new Ajv2020({ strict: true, validateSchema: false }).compile<Records>(Records);
  if (isRecords(value)) return value;
  throw damaged(`${isRecords.errors?.[0]?.instancePath ?? ''} has another form`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged('is no JSON');
  }
}

const damaged = (value: string): HubError =>
  new HubError('HUB_REQUEST_INVALID', {
    field: 'plugins/.records.json',
    value,
    cure: 'Restore the file from a backup; without it the hub forgets which versions were revoked.',
  });

/** The refusal of a version that its registry took back. */
export const revokedError = ({ plugin, version, reason }: RevokedVersion): HubError =>
  new HubError('PLUGIN_REVOKED', { plugin, version, reason });
