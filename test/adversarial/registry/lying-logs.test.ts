import { signCheckpoint } from '@runtime-hub/plugin-sdk/artifact';
import { expect, test } from 'vitest';
import { keyOf } from '../../plugin-sdk/artifact/release-parts.ts';
import type { Lie } from '../../support/registry-liar.ts';
import {
  DAY_MS,
  at,
  catchUp,
  fetchOcr,
  liar,
  lied,
  openHub,
  otherTree,
  signer,
} from './liar-stage.ts';
import { outcomeOf, playTries, type Try } from './tries.ts';

interface Head {
  readonly size?: number;
  readonly root?: Buffer;
  readonly at?: number;
}
/** A checkpoint as the liar would have it, signed with the registry’s key or another. */
const shown =
  (head: (true_: { size: number; root: Buffer }) => Head, by = () => signer): Lie =>
  (truth) => {
    const [, size = '', root = ''] = truth.toString().split('\n');
    const known = { size: Number(size), root: Buffer.from(root, 'base64') };
    return signCheckpoint({ ...known, at: at.clock.now(), ...head(known) }, by());
  };
const CHECKPOINT = '/v1/log/checkpoint';
test('the hub that is lied to believes the same registry when it is honest', async () => {
  const hub = openHub();
  expect(await outcomeOf(async () => await catchUp(hub))).toBe('accepted');
  expect(await outcomeOf(async () => await fetchOcr(hub))).toBe('accepted');
  hub.client[Symbol.dispose]();
});

playTries('a log that changes its story', [
  {
    name: 'a shorter log than was seen: rollback',
    code: 'LOG_ROLLED_BACK',
    act: lied(
      CHECKPOINT,
      shown(({ size }) => ({ size: size - 1, root: otherTree(size - 1) })),
    ),
  },
  {
    name: 'an empty log',
    code: 'LOG_ROLLED_BACK',
    act: lied(
      CHECKPOINT,
      shown(() => ({ size: 0, root: otherTree(0) })),
    ),
  },
  {
    name: 'another log of the same size: fork',
    code: 'LOG_FORKED',
    act: lied(
      CHECKPOINT,
      shown(({ size }) => ({ root: otherTree(size) })),
    ),
  },
  {
    name: 'a longer log that is another: fork',
    code: 'LOG_FORKED',
    act: async () => {
      const lie = shown(({ size }) => ({ size: size + 1, root: otherTree(size + 1) }));
      const proof = JSON.stringify({ from: 6, to: 7, proof: [] });
      liar.lies.set('/v1/log/proof', (_truth, _asked, response) => {
        response.writeHead(200).end(proof);
        return null;
      });
      return await lied(CHECKPOINT, lie)();
    },
  },
  {
    name: 'an old checkpoint shown for ever: freeze',
    code: 'LOG_FROZEN',
    act: lied(
      CHECKPOINT,
      (truth) => truth,
      async (hub) => {
        hub.ahead = 8 * DAY_MS;
        await catchUp(hub);
      },
    ),
  },
  {
    name: 'a checkpoint dated years ahead, to look fresh for ever',
    code: 'LOG_TIME_AHEAD',
    act: lied(
      CHECKPOINT,
      shown(() => ({ at: at.clock.now() + 4000 * DAY_MS })),
    ),
  },
  {
    name: 'a checkpoint of another log',
    code: 'LOG_ORIGIN_MISMATCH',
    act: lied(
      CHECKPOINT,
      shown(
        () => ({}),
        () => ({ ...signer, origin: 'evil.example' }),
      ),
    ),
  },
  {
    name: 'a checkpoint signed with another key',
    code: 'LOG_KEY_MISMATCH',
    act: lied(
      CHECKPOINT,
      shown(
        () => ({}),
        () => ({ ...signer, privateKey: keyOf('ed25519') }),
      ),
    ),
  },
  {
    name: 'a checkpoint with another size under its old signature',
    code: 'LOG_CHECKPOINT_FORGED',
    act: lied(CHECKPOINT, (truth) => truth.toString().replace(/\n\d+\n/u, '\n999\n')),
  },
  {
    name: 'a checkpoint without a time',
    code: 'LOG_CHECKPOINT_FORGED',
    act: lied(CHECKPOINT, (truth) => truth.toString().replace(/Timestamp: \d+\n/u, '')),
  },
  {
    name: 'a checkpoint without a signature',
    code: 'LOG_CHECKPOINT_MALFORMED',
    act: lied(CHECKPOINT, (truth) => truth.toString().replace(/— .*\n$/u, '')),
  },
  {
    name: 'an endless checkpoint',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied(CHECKPOINT, () => Buffer.alloc(10_000_000, 'x')),
  },
]);

interface Feed {
  size: number;
  entries: { index: number; leaf: string }[];
}
const feeding =
  (change: (feed: Feed) => void): Lie =>
  (truth) => {
    // SAFETY: the registry's own answer.
    const feed = JSON.parse(truth.toString()) as Feed;
    change(feed);
    return JSON.stringify(feed);
  };
const feed = (name: string, code: Try['code'], change: (feed: Feed) => void): Try => ({
  name,
  code,
  act: lied('/v1/changes', feeding(change), catchUp, { fresh: true }),
});
const without = ({ entries }: Feed): void => {
  entries.splice(2, 1);
  for (const [index, it] of entries.entries()) it.index = index;
};
playTries('a feed that is not the log', [
  feed('a feed that skips a leaf', 'REGISTRY_RESPONSE_INVALID', (it) => it.entries.splice(2, 1)),
  feed('a feed that closes the gap of a leaf it hides', 'LOG_FORKED', (it) => {
    without(it);
    it.entries.push({ index: it.entries.length, leaf: it.entries[0]?.leaf ?? '' });
  }),
  feed('a feed with two leaves in other order', 'LOG_FORKED', ({ entries }) => {
    const [first, second] = entries;
    if (first !== undefined && second !== undefined)
      [first.leaf, second.leaf] = [second.leaf, first.leaf];
  }),
  feed('a feed that gives nothing', 'REGISTRY_RESPONSE_INVALID', (it) => (it.entries = [])),
  feed('a leaf that is no leaf', 'LOG_LEAF_MALFORMED', ({ entries: [first] }) => {
    if (first !== undefined) first.leaf = Buffer.from('{"kind":"hub"}').toString('base64');
  }),
  feed('a leaf with a space that changes its meaning for nobody', 'LOG_LEAF_MALFORMED', (it) => {
    const [first] = it.entries;
    const text = Buffer.from(first?.leaf ?? '', 'base64').toString();
    if (first !== undefined) first.leaf = Buffer.from(text.replace(':', ': ')).toString('base64');
  }),
]);

test.each([-DAY_MS, DAY_MS])('a clock that is a day off (%d ms) hinders nobody', async (ms) => {
  const hub = openHub();
  hub.ahead = ms;
  expect(await outcomeOf(async () => await catchUp(hub))).toBe('accepted');
  hub.client[Symbol.dispose]();
});
