import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Caller, Service } from '@runtime-hub/kernel';
import {
  HubError,
  OPERATIONS,
  capabilityText,
  needsOf,
  pluginId,
  runId,
  type BlobHandle,
  type CapabilityName,
  type ErrorCode,
  type Json,
  type JsonObject,
  type Need,
} from '@runtime-hub/plugin-sdk/contract';
import { Check } from 'typebox/value';
import { expect, onTestFinished } from 'vitest';
import { createFileServices } from '../../../../../studio/server/services/files/files-service.ts';
import { openUndoStore } from '../../../../../studio/server/services/files/undo-store.ts';

export const caller: Caller = {
  plugin: pluginId('core/file'),
  run: runId('run-00000001'),
  workspace: 'default',
  workflow: 'w',
  node: 'n',
  host: 'h',
};

export interface StageOptions {
  readonly maxBytesPerRun?: number;
  /** Needs that are not granted, as text. */
  readonly denied?: readonly string[];
  /** Where the hub's data folder is in the home; `hub-data` when left out. */
  readonly data?: string;
  /** Done while a blob is kept. */
  readonly onKeep?: () => Promise<void>;
}

/** The services for files on real files: a home, the hub's data folder in it, and the undo store in that. */
export function fileStage(options: StageOptions = {}) {
  const root = mkdtempSync(join(tmpdir(), 'hub-files-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const [home, data] = [join(root, 'home'), join(root, 'home', options.data ?? 'hub-data')];
  mkdirSync(data, { recursive: true });
  const blobs = new Map<string, Buffer>();
  const permitted: string[] = [];
  const { maxBytesPerRun } = options;
  const limits = maxBytesPerRun === undefined ? {} : { maxBytesPerRun };
  const undo = openUndoStore({ folder: join(data, 'undo'), ...limits });
  const services = createFileServices({
    home,
    forbidden: [data],
    undo,
    async keepBlob(bytes, mime) {
      await options.onKeep?.();
      const handle = blobHandle(blobs.size, bytes.length, mime);
      blobs.set(handle.$blob, bytes);
      return handle;
    },
    async readBlob({ $blob }) {
      const bytes = blobs.get($blob);
      if (bytes === undefined) throw new HubError('BLOB_NOT_FOUND', { blob: $blob });
      return await Promise.resolve(bytes);
    },
  });
  const permit = (need: Need): void => {
    const text = capabilityText(need);
    permitted.push(text);
    if (options.denied?.includes(text) === true)
      throw new HubError('CAPABILITY_DENIED', { plugin: caller.plugin, need: text });
  };

  /** As the broker calls it: arguments and result are checked against the contract. */
  async function call<T = JsonObject>(
    capability: 'fs.read' | 'fs.write',
    operation: string,
    args: Json,
    by: Partial<Caller> & { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const { signal = new AbortController().signal, ...who } = by;
    const known = OPERATIONS[capability]?.[operation];
    if (known === undefined || !Check(known.args, args))
      throw new HubError('STEP_INPUT_INVALID', { problems: [] });
    needsOf(capability, args);
    const service = serviceOf(services, capability);
    const use = { caller: { ...caller, ...who }, signal, permit };
    const result = await service.call(operation, args, use);
    expect(Check(known.result, result)).toBe(true);
    // SAFETY: the caller knows the operation's result, which the contract just held.
    return result as T;
  }
  return { root, home, data, blobs, undo, permitted, services, call };
}

export type Stage = ReturnType<typeof fileStage>;

export function serviceOf(services: readonly Service[], capability: CapabilityName): Service {
  const found = services.find((it) => it.capability === capability);
  if (found === undefined) throw new Error(`no service ${capability}`);
  return found;
}

export const blobHandle = (number: number, sizeBytes: number, mime = 'x/y'): BlobHandle => ({
  $blob: String(number).padStart(32, '0'),
  mime,
  sizeBytes,
  sha256: '0'.repeat(64),
});

/** Expects a refusal by its code, whose text tells no place of this machine. */
export async function expectRefusal(
  stage: Pick<Stage, 'root'>,
  attempt: Promise<unknown>,
  code: ErrorCode,
): Promise<void> {
  const error = await attempt.then(
    () => null,
    (it: unknown) => it,
  );
  expect(error).toMatchObject({ code });
  const said = error instanceof HubError ? JSON.stringify([error.message, error.data]) : '';
  expect(said).not.toContain('/proc/self/fd');
  expect(said).not.toContain(`${stage.root}/home/`);
}

export const makePipe = (path: string): void => void execFileSync('mkfifo', [path]);

export interface Written extends JsonObject {
  readonly undo: string;
  readonly sizeBytes: number;
}
