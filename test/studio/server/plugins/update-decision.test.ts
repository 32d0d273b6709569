import { pluginId, type Permission } from '@runtime-hub/plugin-sdk/contract';
import { expect, test } from 'vitest';
import {
  decideUpdate,
  isAutomatic,
  type Candidate,
} from '../../../../studio/server/plugins/update-decision.ts';
import { openTrust } from '../../../../studio/server/store/keys.ts';
import { installedPlugin } from '../../../support/installed-plugin.ts';
import { temporaryFolder } from '../../../support/hub.ts';

const asks = (...targets: string[]): Permission[] =>
  targets.map((target) => ({ capability: 'net.http', target, reason: 'r' }));
const version = (own: object, publisher = 'key-1'): Candidate =>
  installedPlugin(
    { id: pluginId('acme/a'), permissions: asks('a.example'), ...own },
    { publisher },
  );
const reasons = (after: Candidate, pinned = false) =>
  decideUpdate(version({}), after, { pinned }).reasons;

test('what may do no more, by the same publisher and in the same way, takes its place at once', () => {
  expect(reasons(version({}))).toEqual([]);
  expect(reasons(version({ permissions: [] }))).toEqual([]);
  expect(reasons(version({ permissions: [...asks('a.example'), ...asks('a.example')] }))).toEqual(
    [],
  );
  expect(decideUpdate(null, version({ runtime: 'process' }), { pinned: false }).reasons).toEqual(
    [],
  );
});

test('each change that matters is a reason to wait', () => {
  expect(reasons(version({ permissions: asks('a.example', 'b.example') }))).toEqual([
    'permissions',
  ]);
  expect(reasons(version({ permissions: asks('*.example') }))).toEqual(['permissions']);
  expect(reasons(version({ permissions: asks('*') }))).toEqual(['permissions']);
  expect(reasons(version({}, 'key-2'))).toEqual(['publisher']);
  expect(reasons(version({ runtime: 'process' }))).toEqual(['runtime']);
  expect(reasons(version({ provides: ['screen.capture'] }))).toEqual(['provides']);
  expect(reasons(version({}), true)).toEqual(['pinned']);
});

test('only a step that the policy allows is taken unasked', () => {
  using folder = temporaryFolder('decision');
  const policy = openTrust(folder.path);
  const taken = (auto: 'none' | 'patch' | 'minor', from: string, to: string) =>
    isAutomatic({ ...policy, updates: { auto } }, from, to);
  expect(isAutomatic(policy, '1.0.0', '1.0.1')).toBe(false);
  expect(taken('none', '1.0.0', '1.0.1')).toBe(false);
  expect(taken('patch', '1.0.0', '1.0.1')).toBe(true);
  expect(taken('patch', '1.0.0', '1.1.0')).toBe(false);
  expect(taken('minor', '1.0.0', '1.1.0')).toBe(true);
  expect(taken('minor', '1.0.0', '2.0.0')).toBe(false);
  expect(taken('minor', '1.1.0', '1.0.9')).toBe(false);
  expect(taken('minor', '1.0.0', '1.0.1-beta.1')).toBe(false);
});
