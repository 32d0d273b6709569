import type { ErrorCode } from '@runtime-hub/plugin-sdk/contract';
import { afterAll, describe, expect, test } from 'vitest';
import {
  artifactOf,
  makePublisher,
  openRegistry,
  post,
  publishOne,
  type AskOptions,
  type Reply,
} from '../../registry/open-registry.ts';

/** A real registry behind a real port, with two publishers and something private; one for each file of tests. */
export const at = await openRegistry({
  limits: { publishesPerMinute: null, guessesPerMinute: null },
});
export const acme = await makePublisher(at, 'acme');
export const globex = await makePublisher(at, 'globex');
export const hidden = await makePublisher(at, 'skunkworks', { visibility: 'private' });
export const { digest: hiddenDigest } = await publishOne(at, hidden, 'rocket');
for (const name of ['taken', 'yanked', 'revoked']) await publishOne(at, acme, name);
afterAll(async () => await at[Symbol.asyncDispose]());

export type Attack = readonly [name: string, code: ErrorCode, act: () => Promise<Reply>];

/** Each is refused over HTTP as a problem document with its own code, which says no secret. */
export function playAttacks(what: string, attacks: readonly Attack[]): void {
  describe(what, () => {
    test.for(attacks)('%s is refused', async ([, code, act], { task }) => {
      const before = await logSize();
      const reply = await act();
      task.meta.outcome = String(reply.json?.code ?? reply.status);
      expect(reply.json).toMatchObject({ code, status: reply.status });
      expect(reply.headers.get('content-type')).toBe('application/problem+json');
      for (const { token } of [acme, globex, hidden]) expect(reply.text).not.toContain(token);
      expect(reply.text).not.toContain(at.folder);
      expect(await logSize(), 'nothing was logged').toBe(before);
    });
  });
}

export const logSize = async (): Promise<number> => (await at.ask('GET', '/readyz')).json.logSize;
export const acting = async (
  token: string | undefined,
  id: string,
  act: string,
  json: unknown = { reason: 'why' },
): Promise<Reply> => await at.ask('POST', `/v1/plugins/${id}/1.0.0/${act}`, { token, json });
export const get = async (path: string, more: AskOptions = {}): Promise<Reply> =>
  await at.ask('GET', path, more);
export const adminPost = async (path: string, json: unknown): Promise<Reply> =>
  await at.admin('POST', path, { json });
export async function newToken(wish: object): Promise<string> {
  return String((await adminPost('/v1/admin/tokens', { note: '', ...wish })).json.token);
}
export const publishing = async (id: string, version = '1.0.0', more = {}): Promise<Reply> =>
  await post(at.ask, acme, artifactOf(id, version, more));

await acting(acme.token, 'acme/yanked', 'yank');
await acting(acme.token, 'acme/revoked', 'revoke');
