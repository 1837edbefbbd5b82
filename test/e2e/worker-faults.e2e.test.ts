// An ingest worker killed with SIGKILL at each step from offset to hand-off, and its resource deleted and applied again.
// Invariants I1 (no row lost, none twice) and I4 (the successor goes on). A report tells that each point was hit.

import { describe, expect, it } from 'vitest';
import { ingestionPrefix } from '../../core/metadata/keys.ts';
import { FaultRounds, has, pause, SLOW_RATE } from './fault-rounds.ts';
import { publishedSegments } from './stored-segments.ts';

const NAME = 'worker-faults';

describe('an ingest worker', () => {
  const rounds = new FaultRounds(NAME);

  it(
    'killed in the middle of indexing',
    () =>
      rounds.during(async () => {
        const { worker } = rounds;
        const isAnnounced = (l: { message: string }): boolean => l.message.startsWith('announced ');
        await worker.waitFor(isAnnounced, 30_000);
        await worker.killOn(isAnnounced, 30_000);
        await worker.kill();
        const hit = lastWords();
        expect(hit).toMatch(/announced/);
        worker.start();
        return `last words: ${hit}`;
      }),
    240_000,
  );

  it(
    'killed in the middle of a persist',
    () =>
      rounds.during(async () => {
        const { worker } = rounds;
        await worker.waitFor(has('persisted'), 60_000);
        const hit = await killInPersist();
        const taken = await worker.waitFor(has('sequence taken up'), 60_000);
        return `${hit}; the successor took up ${String(taken['hydrants'])} hydrants`;
      }, SLOW_RATE),
    240_000,
  );

  it(
    'killed in the middle of an upload',
    () =>
      rounds.during(() => killBetween('merge begun', 's3', 'upload begun', 'uploaded'), SLOW_RATE),
    240_000,
  );

  it(
    'killed between upload and publication',
    () =>
      rounds.during(() => killBetween('upload begun', 'etcd', 'uploaded', 'published'), SLOW_RATE),
    240_000,
  );

  it(
    'killed between publication and hand-off',
    () =>
      rounds.during(async () => {
        const { worker, deployment } = rounds;
        await deployment.historical.kill();
        const published = await worker.killOn(has('published'), 60_000);
        await worker.kill();
        // Segments of earlier sequences may still be handed off; those just published must not be.
        const segments = new Set(published['segments'] as readonly string[]);
        const handedOff = worker.lines.filter(
          (l) => l.message === 'handed off' && segments.has(String(l['segment'])),
        );
        expect(handedOff).toEqual([]);
        deployment.historical.start();
        worker.start();
        return `${segments.size} segments published, none handed off`;
      }),
    240_000,
  );

  it(
    'whose resource is deleted and applied again (Retain)',
    () =>
      rounds.during(async () => {
        const { worker, deployment } = rounds;
        await worker.waitFor(has('published'), 60_000);
        await Promise.all([worker.stop(), deployment.operator.stop()]);
        const kept = await deployment.store.list(ingestionPrefix('default', NAME));
        expect(kept.entries.length).toBeGreaterThan(0);
        const before = await publishedSegments(deployment);
        deployment.operator.start();
        worker.start();
        return `${before.length} segments and ${kept.entries.length} keys were kept`;
      }),
    240_000,
  );

  function lastWords(): string {
    return rounds.worker.lines
      .slice(-3)
      .map((l) => l.message.replace(/announced .*/, 'announced'))
      .join(', ');
  }

  /** Kills the worker before what it began to persist is persisted. Where it was quicker, the next persist is taken. */
  async function killInPersist(): Promise<string> {
    const { worker } = rounds;
    for (let attempt = 1; ; attempt++) {
      const begun = has('persist begun');
      await worker.killOn((l) => begun(l) && Number(l['rows']) > 10_000, 60_000);
      await worker.kill();
      const last = worker.lines.findLast(({ message }) => message.startsWith('persist'))?.message;
      worker.start();
      if (last === 'persist begun') return `last of persist begun, persisted: ${last} (${attempt})`;
      expect(attempt).toBeLessThan(10);
    }
  }

  /**
   * Kills the worker after it logged `reached` and before it could log `next`: the server that the next step needs is
   * frozen from `trigger` on. Where the worker was quicker than the freeze, the next sequence is taken.
   */
  async function killBetween(
    trigger: string,
    server: 's3' | 'etcd',
    reached: string,
    next: string,
  ): Promise<string> {
    const { worker } = rounds;
    for (let attempt = 1; ; attempt++) {
      await worker.waitFor(has(trigger), 60_000);
      await rounds.server(server).freeze(true);
      // Merging goes on without the frozen server; the next message tells where the worker stands.
      let last = trigger;
      for (let i = 0; i < 50 && last === trigger; i++) {
        await pause(100);
        const watched = [trigger, reached, next];
        last = worker.lines.findLast((l) => watched.includes(l.message))?.message ?? trigger;
      }
      if (last === reached) await worker.kill();
      await rounds.server(server).freeze(false);
      if (last === reached) {
        worker.start();
        return `last of ${trigger}, ${reached}, ${next}: ${last} (attempt ${attempt})`;
      }
      expect(attempt).toBeLessThan(10);
    }
  }
});
