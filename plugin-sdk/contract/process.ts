import * as Type from 'typebox';
import { SecretUse } from './http.ts';

const closed = { additionalProperties: false } as const;
/** Path of an executable, absolute. */
const Program = Type.String({ minLength: 1, maxLength: 512 });
const Pid = Type.Integer({ minimum: 1 });

/** Operations of the capability `process.run`; the target is the program. Never a shell unless that is the program. */
export const RunOperations = {
  run: {
    args: Type.Object(
      {
        program: Program,
        /** Handed over one by one, never parsed. */
        args: Type.Array(Type.String({ maxLength: 32_768 }), { maxItems: 256 }),
        /** Working folder, absolute or `~/…`; the user's home when left out. */
        folder: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
        /** Added to the little that every program gets: PATH, HOME, LANG, and DISPLAY where there is one. */
        env: Type.Optional(
          Type.Record(
            Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' }),
            Type.Union([Type.String({ maxLength: 8192 }), SecretUse]),
            closed,
          ),
        ),
        stdin: Type.Optional(Type.String({ maxLength: 524_288 })),
        /** Then all it started is ended; 60 s when left out. */
        timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })),
        /** Of stdout and of stderr, each; 64 KiB when left out. What is beyond is dropped. */
        maxOutputBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 262_144 })),
      },
      closed,
    ),
    result: Type.Object(
      {
        /** Null when a signal ended it. */
        exitCode: Type.Union([Type.Integer(), Type.Null()]),
        signal: Type.Union([Type.String(), Type.Null()]),
        stdout: Type.String(),
        stderr: Type.String(),
        truncated: Type.Boolean(),
        ms: Type.Number(),
      },
      closed,
    ),
  },
} as const;

/** Operations of the capability `process.list`: what runs, without arguments, which may hold secrets. */
export const ListOperations = {
  list: {
    args: Type.Object({ name: Type.Optional(Type.String({ maxLength: 256 })) }, closed),
    result: Type.Object(
      {
        processes: Type.Array(
          Type.Object(
            {
              pid: Pid,
              parent: Type.Integer(),
              name: Type.String(),
              /** Null when it may not be known. */
              program: Type.Union([Type.String(), Type.Null()]),
              startedAt: Type.Number(),
            },
            closed,
          ),
        ),
      },
      closed,
    ),
  },
} as const;

/** Operations of the capability `process.end`; the target is the program that runs as `pid`. */
export const EndOperations = {
  /** Ends a process and all it started; `ended` counts them. Refuses when `pid` is not `program`. */
  end: {
    args: Type.Object(
      {
        pid: Pid,
        program: Program,
        graceMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })),
      },
      closed,
    ),
    result: Type.Object({ ended: Type.Integer({ minimum: 0 }) }, closed),
  },
} as const;
