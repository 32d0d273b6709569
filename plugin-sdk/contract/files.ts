import * as Type from 'typebox';
import { BlobHandle } from './blob.ts';

const closed = { additionalProperties: false } as const;
/** Absolute, or below the user's home as `~/…`; no `.`, `..`, empty parts or control characters. */
const Path = Type.String({ minLength: 1, maxLength: 1024 });
const Kind = Type.Unsafe<'file' | 'folder' | 'link' | 'other'>({
  enum: ['file', 'folder', 'link', 'other'],
});
const about = { sizeBytes: Type.Integer({ minimum: 0 }), modifiedAt: Type.Number() };
const Undo = Type.String({ pattern: '^[0-9a-f]{32}$' });

/** Operations of the capability `fs.read`. No part of a path may be a symbolic link. */
export const ReadOperations = {
  /** `keep: text` gives UTF-8 of at most 512 KiB. */
  read: {
    args: Type.Object(
      {
        path: Path,
        keep: Type.Unsafe<'text' | 'blob'>({ enum: ['text', 'blob'] }),
        maxBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 67_108_864 })),
      },
      closed,
    ),
    result: Type.Object(
      { ...about, text: Type.Optional(Type.String()), blob: Type.Optional(BlobHandle) },
      closed,
    ),
  },
  /** Names in a folder, sorted; `truncated` when there are more than `limit` (1,000 when left out). */
  list: {
    args: Type.Object(
      { path: Path, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })) },
      closed,
    ),
    result: Type.Object(
      {
        entries: Type.Array(Type.Object({ name: Type.String(), kind: Kind, ...about }, closed)),
        truncated: Type.Boolean(),
      },
      closed,
    ),
  },
  /** Null when there is nothing. */
  stat: {
    args: Type.Object({ path: Path }, closed),
    result: Type.Union([Type.Null(), Type.Object({ kind: Kind, ...about }, closed)]),
  },
  /** Resolves at the first change in a folder or of a file after the change numbered `after` (0: from now). */
  'wait-for-change': {
    args: Type.Object(
      { path: Path, after: Type.Integer({ minimum: 0 }), timeoutMs: Type.Integer({ minimum: 1 }) },
      closed,
    ),
    result: Type.Object(
      { change: Type.Integer(), names: Type.Array(Type.String()), timedOut: Type.Boolean() },
      closed,
    ),
  },
} as const;

const undoable = Type.Object({ undo: Undo }, closed);

/**
 * Operations of the capability `fs.write`. Each is atomic, and keeps what was there before until its run ends,
 * so that `undo` can bring it back.
 */
export const WriteOperations = {
  /** `create` fails when there is something already. Missing folders are not made. */
  write: {
    args: Type.Object(
      {
        path: Path,
        content: Type.Union([Type.String({ maxLength: 524_288 }), BlobHandle]),
        mode: Type.Unsafe<'create' | 'replace' | 'append'>({
          enum: ['create', 'replace', 'append'],
        }),
      },
      closed,
    ),
    result: Type.Object({ undo: Undo, sizeBytes: Type.Integer({ minimum: 0 }) }, closed),
  },
  /** Fails when there is something at `to`. */
  move: { args: Type.Object({ path: Path, to: Path }, closed), result: undoable },
  /** A file, or an empty folder. */
  remove: { args: Type.Object({ path: Path }, closed), result: undoable },
  'make-folder': { args: Type.Object({ path: Path }, closed), result: undoable },
  /** `path` as in the operation that is undone. Fails when somebody else changed it since. */
  undo: {
    args: Type.Object({ path: Path, undo: Undo }, closed),
    result: Type.Object({}, closed),
  },
} as const;
