import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  reportOf,
  type ErrorCode,
  type Json,
  type JsonObject,
  type Permission,
} from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import { ask, caller, world } from '../../kernel/capability/world.ts';
import { fileStage, type StageOptions } from '../../studio/server/services/files/file-stage.ts';

const CANARY = 'canary-5d1e0c';
const HOME = [ask('fs.read', '~/**'), ask('fs.write', '~/**')];

export interface SiegeOptions extends StageOptions {
  readonly permissions?: readonly Permission[];
}

/** The file services behind a real broker, with secrets in every place that no plugin may reach. */
export function siege({ permissions = HOME, ...options }: SiegeOptions = {}) {
  const stage = fileStage(options);
  const { broker } = world(permissions, { services: stage.services });
  broker.approve({ plugin: caller.plugin, by: 'test' });
  const outside = join(stage.root, 'outside');
  mkdirSync(outside);
  const canaries = [join(outside, 'secret'), join(stage.data, 'hub.db')];
  for (const it of canaries) writeFileSync(it, CANARY);
  const call = async (
    capability: 'fs.read' | 'fs.write',
    operation: string,
    args: Json,
    by: { readonly signal?: AbortSignal } & Partial<typeof caller> = {},
  ): Promise<JsonObject> => {
    const { signal = new AbortController().signal, ...who } = by;
    const request = { capability, operation, args };
    // SAFETY: every operation on files answers with an object, or null for `stat`.
    return (await broker.call({ ...caller, ...who }, request, signal)) as JsonObject;
  };
  return {
    ...stage,
    broker,
    outside,
    at: (name: string): string => join(stage.home, name),
    call,
    read: async (path: string, keep = 'text') => await call('fs.read', 'read', { path, keep }),
    write: async (path: string, content: Json = 'x', mode = 'replace') =>
      await call('fs.write', 'write', { path, content, mode }),
    /** Throws unless all that is outside the home, and the hub's own, is as it was. */
    requireUnharmed(): void {
      expect(readdirSync(outside)).toEqual(['secret']);
      for (const it of canaries) expect(readFileSync(it, 'utf8')).toBe(CANARY);
      expect(readdirSync(stage.data).toSorted()).toEqual(['hub.db', 'undo']);
    },
  };
}

export type Siege = ReturnType<typeof siege>;

export interface FileAttack {
  /** A sentence: what is tried, and what comes of it. */
  readonly name: string;
  /** The code it is refused with, or a part of what it gets. */
  readonly expect: ErrorCode | { readonly out: unknown };
  readonly options?: SiegeOptions;
  /** The attack itself names the place of the home, so that its error may. */
  readonly saysHome?: boolean;
  readonly act: (siege: Siege) => Promise<unknown>;
}

/** Makes each attack a test: it ends as expected, tells no secret and no place, and changes nothing outside. */
export function playFileAttacks(attacks: readonly FileAttack[]): void {
  test.for(attacks.map((attack) => [attack.name, attack] as const))(
    '%s',
    async ([, attack], { task }) => {
      const it = siege(attack.options);
      const { code, said, out } = await outcomeOf(attack.act(it));
      // SAFETY: the table of test/adversarial reads it.
      (task.meta as { outcome?: string }).outcome = code ?? 'answered';
      if (typeof attack.expect === 'string')
        expect({ code, out }).toMatchObject({ code: attack.expect });
      else expect({ code, out }).toMatchObject({ code: null, ...attack.expect });
      expect(said).not.toContain(CANARY);
      expect(said).not.toContain('/proc/self/fd');
      if (attack.saysHome !== true) expect(said).not.toContain(`${it.home}/`);
      const kept = [...it.blobs.values()].map((bytes) => bytes.toString());
      expect(kept.some((text) => text.includes(CANARY))).toBe(false);
      it.requireUnharmed();
    },
  );
}

async function outcomeOf(
  attempt: Promise<unknown>,
): Promise<{ readonly code: string | null; readonly said: string; readonly out: unknown }> {
  try {
    const out = await attempt;
    return { code: null, said: JSON.stringify(out ?? null), out };
  } catch (error) {
    const report = reportOf(error);
    return { code: report.code, said: JSON.stringify(report), out: report.message };
  }
}
