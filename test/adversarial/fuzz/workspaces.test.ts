import type { NodeUses } from '@runtime-hub/kernel';
import { HubError } from '@runtime-hub/plugin-sdk/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ask, plugin, world } from '../../kernel/capability/world.ts';
import { holds } from './holds.ts';

const EVERYWHERE = '*';
const act = fc.constantFrom('approve', 'deny', 'revoke');
const place = fc.constantFrom(EVERYWHERE, 'red', 'blue');
type Act = 'approve' | 'deny' | 'revoke';
type Decided = 'granted' | 'denied' | 'revoked';

/** What was decided last for each place, by the rules an admin reads. */
function decide(decided: Map<string, Decided>, how: Act, where: string): void {
  const taken = [...decided].filter(
    ([at, status]) => status === 'granted' && (where === EVERYWHERE || at === where),
  );
  if (how !== 'approve') for (const [at] of taken) decided.set(at, 'revoked');
  if (how !== 'revoke') decided.set(where, how === 'approve' ? 'granted' : 'denied');
}

function expected(decided: ReadonlyMap<string, Decided>, workspace: string): string {
  const here = [decided.get(EVERYWHERE), decided.get(workspace)];
  if (here.includes('denied')) return 'denied';
  return here.includes('granted') ? 'granted' : 'missing';
}

test('whatever is decided in whatever order, a workspace has what was granted there or everywhere and not denied', () => {
  const acts = fc.array(fc.tuple(act, place), { minLength: 1, maxLength: 12 });
  holds('grants-workspaces', [acts], (decisions) => {
    const { broker } = world([ask('input.mouse')]);
    const uses: NodeUses = { plugin, nodeType: { uses: ['input.mouse'] } };
    const found = (workspace: string): string => {
      try {
        return broker.missing(uses, workspace).length === 0 ? 'granted' : 'missing';
      } catch (error) {
        if (HubError.is(error, 'CAPABILITY_DENIED')) return 'denied';
        throw error;
      }
    };
    const decided = new Map<string, Decided>();
    for (const [how, where] of decisions) {
      const workspace = where === EVERYWHERE ? {} : { workspace: where };
      try {
        broker[how]({ plugin, by: 'me', ...workspace });
      } catch (error) {
        if (how !== 'revoke' || !HubError.is(error, 'GRANT_NOT_FOUND')) throw error;
      }
      decide(decided, how, where);
      for (const it of ['red', 'blue', 'green']) expect(found(it)).toBe(expected(decided, it));
    }
  });
});
