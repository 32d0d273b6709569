import { isDeepStrictEqual } from 'node:util';
import type { Service } from '@runtime-hub/kernel';
import { DEFAULT_WORKSPACE, HubError, type Json } from '@runtime-hub/plugin-sdk/contract';
import type { StateStore } from '../store/store.ts';

const MAX_KEY_LENGTH = 200;

/**
 * The capability `state`, apart for each plugin, workspace and workflow: `get {key}`, `set {key, value}`, and
 * `replace {key, expected, value}`, which sets only what is as expected and answers `{replaced, before}`.
 * Rejects with STATE_TOO_LARGE or HUB_REQUEST_INVALID.
 */
export function createStateService(store: StateStore): Service {
  return {
    capability: 'state',
    async call(operation, args, { caller: { plugin, workspace, workflow } }) {
      const { key, value = null, expected = null } = parseArgs(args);
      const at = { plugin, workflow: placeOf(workspace, workflow ?? ''), key };
      if (operation === 'get') return await Promise.resolve(store.get(at));
      if (operation === 'replace') {
        const before = store.get(at);
        const replaced = isDeepStrictEqual(before, expected);
        if (replaced) store.set(at, value);
        return { replaced, before };
      }
      if (operation !== 'set') {
        throw new HubError('CAPABILITY_DENIED', { plugin, need: `state.${operation}` });
      }
      store.set(at, value);
      return null;
    },
  };
}

/** The workflow's name alone for the default workspace, as older hubs kept it; no name looks like that of another workspace. */
const placeOf = (workspace: string, workflow: string): string =>
  workspace === DEFAULT_WORKSPACE && !workflow.startsWith('[')
    ? workflow
    : JSON.stringify([workspace, workflow]);

interface Args {
  readonly key: string;
  readonly value?: Json;
  readonly expected?: Json;
}

function parseArgs(args: Json): Args {
  // SAFETY: the one field that may not be any JSON is checked before it is believed.
  const { key, ...values } = (args ?? {}) as Partial<Args>;
  if (typeof key !== 'string' || key.length === 0 || key.length > MAX_KEY_LENGTH) {
    throw new HubError('HUB_REQUEST_INVALID', {
      field: 'key',
      value: typeof key,
      cure: `Give a text of 1 to ${String(MAX_KEY_LENGTH)} characters.`,
    });
  }
  return { key, ...values };
}
