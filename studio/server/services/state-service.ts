import type { Service } from '@runtime-hub/kernel';
import { HubError, type Json } from '@runtime-hub/plugin-sdk/contract';
import type { StateStore } from '../store/store.ts';

const MAX_KEY_LENGTH = 200;

/**
 * The capability `state`: `get {key}` and `set {key, value}`, apart for each plugin and workflow.
 * Rejects with STATE_TOO_LARGE or HUB_REQUEST_INVALID.
 */
export function createStateService(store: StateStore): Service {
  return {
    capability: 'state',
    async call(operation, args, { caller: { plugin, workflow } }) {
      const { key, value } = parseArgs(args);
      const at = { plugin, workflow: workflow ?? '', key };
      if (operation === 'get') return await Promise.resolve(store.get(at));
      if (operation !== 'set') {
        throw new HubError('CAPABILITY_DENIED', { plugin, need: `state.${operation}` });
      }
      store.set(at, value ?? null);
      return null;
    },
  };
}

function parseArgs(args: Json): { readonly key: string; readonly value?: Json } {
  // SAFETY: every field is checked before it is believed.
  const { key, value } = (args ?? {}) as { readonly key?: Json; readonly value?: Json };
  if (typeof key !== 'string' || key.length === 0 || key.length > MAX_KEY_LENGTH) {
    throw new HubError('HUB_REQUEST_INVALID', {
      field: 'key',
      value: typeof key,
      cure: `Give a text of 1 to ${String(MAX_KEY_LENGTH)} characters.`,
    });
  }
  return value === undefined ? { key } : { key, value };
}
