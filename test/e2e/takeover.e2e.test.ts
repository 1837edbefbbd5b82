// A group whose worker is gone: after a while the other group takes its partition by force, reads it again from the
// committed offset, and gives it back when the worker runs again. Whoever was taken from publishes nothing any more, also
// when it was only frozen. No row is lost, none counted twice (invariants I1, I4). Source: protocol.md 3 "Forced".

import { describe, expect, it } from 'vitest';
import { CODECS } from '../../core/metadata/codecs.ts';
import { INGESTIONS, parseKey } from '../../core/metadata/keys.ts';
import { FaultRounds, has, pause, SLOW_RATE } from './fault-rounds.ts';
import type { LogLine, RoleProcess } from './role-process.ts';
import { until } from './waiting.ts';

const NAME = 'takeover';

describe('a group without a worker', () => {
  const rounds = new FaultRounds(NAME, { groups: 2, workers: { takeoverSeconds: 15 } });

  it(
    'whose process is frozen loses its partition, and what it does when it wakes up counts for nothing',
    () =>
      rounds.during(async () => {
        const second = worker('g1');
        await second.waitFor((l) => l.message.startsWith('announced '), 60_000);
        second.freeze(true);
        const epoch = await owned('g0', 'g0');
        second.freeze(false);
        // It comes back by itself, and partitions come back to it.
        const after = await owned('g0', 'g1');
        return `taken over with epoch ${epoch}, given back with ${after}`;
      }, SLOW_RATE),
    300_000,
  );

  it(
    'whose process is killed loses its partition to the other, and gets one back when it runs again',
    () =>
      rounds.during(async () => {
        const second = worker('g1');
        await second.waitFor(has('persisted'), 60_000);
        await second.kill();
        const epoch = await owned('g0', 'g0');
        second.start();
        const after = await owned('g0', 'g1');
        return `taken over with epoch ${epoch}, given back with ${after}`;
      }, SLOW_RATE),
    300_000,
  );

  it(
    'leaves both reading and publishing, and nothing is taken from a group that has one',
    () =>
      rounds.during(async () => {
        const before = (await partitions()).map(({ epoch }) => epoch);
        const rows = await Promise.all(
          ['g0', 'g1'].map(async (group) => {
            const isNews = (l: LogLine): boolean => has('published')(l) && Number(l['rows']) > 0;
            return (await worker(group).waitFor(isNews, 60_000))['rows'];
          }),
        );
        // Longer than it takes to take over.
        await pause(20_000);
        expect((await partitions()).map(({ epoch }) => epoch)).toEqual(before);
        return `published ${rows.join(' and ')} rows, epochs stay ${before.join()}`;
      }, SLOW_RATE),
    300_000,
  );

  function worker(group: string): RoleProcess {
    const found = rounds.deployment.workers.find(({ name }) => name === `ingest-${group}`);
    if (found === undefined) throw new Error(`no worker of ${group}`);
    return found;
  }

  async function partitions(): Promise<readonly { group: string; epoch: number }[]> {
    const { entries } = await rounds.deployment.store.list(INGESTIONS);
    return entries
      .filter(({ key }) => parseKey(key).type === 'partition')
      .map(({ key, value }) => CODECS.partition.decode(value, key));
  }

  /** Waits until the two partitions belong to these groups; answers the greatest epoch. */
  function owned(...groups: readonly string[]): Promise<number> {
    return until(`partitions of ${groups.join(' and ')}`, 90_000, async () => {
      const now = await partitions();
      const isSo =
        now
          .map(({ group }) => group)
          .toSorted()
          .join() === groups.join();
      return isSo ? Math.max(...now.map(({ epoch }) => epoch)) : undefined;
    });
  }
});
