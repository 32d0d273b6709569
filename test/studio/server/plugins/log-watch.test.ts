import type { Clock } from '@runtime-hub/kernel';
import { expect, test } from 'vitest';
import { LogWatch } from '../../../../studio/server/plugins/log-watch.ts';
import { openPolicy } from '../../../../studio/server/plugins/policy-file.ts';
import { Registries } from '../../../../studio/server/plugins/registries.ts';
import { ORIGIN, openLog, revoked, type FakeLog } from '../../../registry/client/fake-log.ts';
import { temporaryFolder } from '../../../support/hub.ts';

/** Time that only the test moves; it tells true dates, since logs are not believed from other days. */
function setClock(): Clock & { advance: (ms: number) => void } {
  let ahead = 0;
  const waiting = new Set<{ readonly at: number; readonly fn: () => void }>();
  return {
    now: () => Date.now() + ahead,
    after(ms, fn) {
      const timer = { at: ahead + ms, fn };
      waiting.add(timer);
      return { [Symbol.dispose]: () => void waiting.delete(timer) };
    },
    advance(ms) {
      ahead += ms;
      for (const timer of waiting) {
        if (timer.at > ahead) continue;
        waiting.delete(timer);
        timer.fn();
      }
    },
  };
}

async function followed(log: FakeLog, folder: string, clock: Clock): Promise<Registries> {
  const policy = openPolicy(folder);
  const { url, logKey } = log;
  policy.change((it) => ({
    ...it,
    registries: [{ origin: ORIGIN, url, logKey, tufRootSha256: 'a'.repeat(64) }],
  }));
  return await Registries.open({ folder, clock, policy });
}

test('without any push a log is read within a minute, and what fails is told and tried again', async () => {
  using folder = temporaryFolder('watch');
  await using log = await openLog();
  const clock = setClock();
  using registries = await followed(log, folder.path, clock);
  const heard: string[] = [];
  registries.onEvents(async (origin, events) => {
    heard.push(...events.map(({ index }) => `${origin} ${String(index)}`));
    await Promise.resolve();
  });
  using watch = new LogWatch({ clock, registries, seldom: async () => await Promise.resolve() });
  watch.follow();
  clock.advance(0);
  await expect.poll(() => watch.list()[0]?.readAt ?? null).not.toBeNull();
  log.append(revoked('acme/ocr', '1.0.0', `sha512-${'a'.repeat(128)}`));
  clock.advance(59_000);
  expect(heard).toEqual([]);
  clock.advance(1000);
  await expect.poll(() => heard).toEqual([`${ORIGIN} 0`]);
  const readAt = watch.list()[0]?.readAt;
  log.size = () => 0;
  clock.advance(60_000);
  await expect.poll(() => watch.list()[0]?.error?.code).toBe('LOG_ROLLED_BACK');
  expect(watch.list()[0]?.readAt).toBe(readAt);
  log.size = () => log.leaves.length;
  clock.advance(60_000);
  await expect.poll(() => watch.list()[0]?.error ?? null).toBeNull();
});
