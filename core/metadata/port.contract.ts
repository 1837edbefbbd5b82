// What every metadata store must do, run unchanged on embedded/ and on a real etcd.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isFailure } from '../runtime/failure.ts';
import {
  type Change,
  MAX_TRANSACTION_OPERATIONS,
  MAX_VALUE_BYTES,
  type MetadataStore,
  type Write,
} from './port.ts';

/** A store to test, or the reason why there is none. */
export interface StoreUnderTest {
  readonly store: MetadataStore;
  readonly close: () => Promise<void>;
}

/** Runs the contract. Keys are random, so that one server may serve several runs. */
export function metadataStoreContract(
  name: string,
  open: () => Promise<StoreUnderTest | string>,
): void {
  describe(`metadata contract: ${name}`, () => {
    let under: StoreUnderTest | undefined;
    let reason = '';
    beforeAll(async () => {
      const opened = await open();
      if (typeof opened === 'string') reason = opened;
      else under = opened;
    });
    afterAll(() => under?.close());

    let cases = 0;
    const check = (
      title: string,
      body: (store: MetadataStore, at: string) => Promise<void>,
    ): void => {
      const at = `t${++cases}-${Math.random().toString(36).slice(2)}/`;
      test(title, async (context) => {
        if (under === undefined) return context.skip(reason);
        await body(under.store, at);
      });
    };
    readsAndWrites(check);
    bounds(check);
    leases(check);
    mirrors(check);
  });
}

type Check = (title: string, body: (store: MetadataStore, at: string) => Promise<void>) => void;

async function put(store: MetadataStore, key: string, value: string): Promise<number> {
  const result = await store.transact({ compare: [], writes: [{ put: key, value }] });
  expect(result.committed).toBe(true);
  return result.revision;
}

function readsAndWrites(check: Check): void {
  check('a key is absent, put, put again, deleted and put anew', async (store, at) => {
    const key = `${at}k`;
    expect(await store.get(key)).toBeUndefined();
    const first = await put(store, key, 'a');
    expect(await store.get(key)).toEqual({
      key,
      value: 'a',
      modRevision: first,
      createRevision: first,
    });
    const second = await put(store, key, 'b');
    expect(second).toBeGreaterThan(first);
    expect(await store.get(key)).toEqual({
      key,
      value: 'b',
      modRevision: second,
      createRevision: first,
    });
    await store.transact({ compare: [], writes: [{ delete: key }] });
    expect(await store.get(key)).toBeUndefined();
    const third = await put(store, key, 'c');
    expect(await store.get(key)).toEqual({
      key,
      value: 'c',
      modRevision: third,
      createRevision: third,
    });
  });

  check(
    'all compares hold or nothing is written, and the failure reads come in order',
    async (store, at) => {
      const rev = await put(store, `${at}a`, '1');
      const writes: Write[] = [{ put: `${at}b`, value: '2' }, { delete: `${at}a` }];
      const failing = [
        [{ key: `${at}a`, modRevision: rev + 1 }],
        [{ key: `${at}a`, modRevision: 0 }],
        [{ key: `${at}absent`, modRevision: rev }],
        [{ emptyPrefix: at }],
        [{ key: `${at}a`, modRevision: rev }, { emptyPrefix: at }],
      ];
      for (const compare of failing) {
        const result = await store.transact({
          compare,
          writes,
          readOnFailure: [`${at}absent`, `${at}a`],
        });
        expect(result).toMatchObject({
          committed: false,
          reads: [undefined, { value: '1', modRevision: rev }],
        });
      }
      expect(await store.get(`${at}b`)).toBeUndefined();
      const holding = [
        { key: `${at}a`, modRevision: rev },
        { key: `${at}b`, modRevision: 0 },
        { emptyPrefix: `${at}c` },
      ];
      expect((await store.transact({ compare: holding, writes })).committed).toBe(true);
      expect((await store.list(at)).entries.map((e) => e.value)).toEqual(['2']);
    },
  );

  check('of many writers that compare the same revision one wins each time', async (store, at) => {
    await put(store, `${at}n`, '0');
    const increment = async (): Promise<void> => {
      for (;;) {
        const entry = await store.get(`${at}n`);
        const compare = [{ key: `${at}n`, modRevision: entry?.modRevision ?? 0 }];
        const result = await store.transact({
          compare,
          writes: [{ put: `${at}n`, value: String(Number(entry?.value) + 1) }],
        });
        if (result.committed) return;
      }
    };
    await Promise.all(Array.from({ length: 12 }, increment));
    expect((await store.get(`${at}n`))?.value).toBe('12');
  });

  check(
    'a list is ascending, of one revision, of the prefix only, beyond one page',
    async (store, at) => {
      const keys = Array.from({ length: 600 }, (_, i) => `${at}p/${String(i).padStart(4, '0')}`);
      for (let i = 0; i < keys.length; i += 100) {
        await store.transact({
          compare: [],
          writes: keys.slice(i, i + 100).map((key) => ({ put: key, value: 'x' })),
        });
      }
      const last = await put(store, `${at}p0`, 'not under p/');
      const { entries, revision } = await store.list(`${at}p/`);
      expect(entries.map((e) => e.key)).toEqual(keys);
      expect(revision).toBeGreaterThanOrEqual(last);
      await store.transact({ compare: [], writes: [{ deletePrefix: `${at}p/` }] });
      expect((await store.list(at)).entries.map((e) => e.key)).toEqual([`${at}p0`]);
    },
  );

  check('keys and values of any script come back as they were', async (store, at) => {
    const key = `${at}größe/日本/😀`;
    await put(store, key, 'é\u0000"😀');
    expect((await store.list(`${at}größe/`)).entries).toMatchObject([{ key, value: 'é\u0000"😀' }]);
  });
}

function bounds(check: Check): void {
  check(
    'operations and lengths are bounded, and a refusal leaves the client usable',
    async (store, at) => {
      const writes = (n: number): Write[] =>
        Array.from({ length: n }, (_, i) => ({ put: `${at}${i}`, value: 'x' }));
      const compare = (n: number): { key: string; modRevision: number }[] =>
        Array.from({ length: n }, (_, i) => ({ key: `${at}c${i}`, modRevision: 0 }));
      const max = MAX_TRANSACTION_OPERATIONS;
      const long = 'x'.repeat(MAX_VALUE_BYTES + 1);
      const refused: [Promise<unknown>, string][] = [
        [store.transact({ compare: [], writes: writes(max + 1) }), 'TransactionTooLarge'],
        [store.transact({ compare: compare(max + 1), writes: [] }), 'TransactionTooLarge'],
        [
          store.transact({ compare: [], writes: [], readOnFailure: writes(max + 1).map(() => at) }),
          'TransactionTooLarge',
        ],
        [
          store.transact({ compare: [], writes: [{ put: `${at}long`, value: long }] }),
          'ValueTooLong',
        ],
        [
          store.transact({
            compare: [],
            writes: [{ put: `${at}long`, value: 'é'.repeat(MAX_VALUE_BYTES / 2 + 1) }],
          }),
          'ValueTooLong',
        ],
        [
          store.transact({
            compare: [],
            writes: [{ put: `${at}a`, value: '' }, { delete: `${at}a` }],
          }),
          'KeyWrittenTwice',
        ],
        [
          store.transact({
            compare: [],
            writes: [{ put: `${at}a`, value: '' }, { deletePrefix: at }],
          }),
          'KeyWrittenTwice',
        ],
      ];
      for (const [work, code] of refused) {
        const error: unknown = await work.catch((e: unknown) => e);
        expect(isFailure(error, 'bug') && error.code).toBe(code);
      }
      expect((await store.transact({ compare: compare(max), writes: writes(max) })).committed).toBe(
        true,
      );
      expect(
        (
          await store.transact({
            compare: [],
            writes: [{ put: `${at}long`, value: long.slice(1) }],
          })
        ).committed,
      ).toBe(true);
      expect((await store.get(`${at}long`))?.value).toHaveLength(MAX_VALUE_BYTES);
    },
  );
}

function leases(check: Check): void {
  check(
    'keys go with their lease, and nothing is written under a revoked one',
    async (store, at) => {
      const lease = await store.lease(5000);
      expect([lease.isAlive(), lease.ttlMs, lease.lost.aborted]).toEqual([true, 5000, false]);
      await store.transact({ compare: [], writes: [{ put: `${at}k`, value: 'v', lease }] });
      expect((await store.get(`${at}k`))?.value).toBe('v');
      await lease.revoke();
      expect([lease.isAlive(), lease.lost.aborted]).toEqual([false, true]);
      expect(await store.get(`${at}k`)).toBeUndefined();
      const error: unknown = await store
        .transact({ compare: [], writes: [{ put: `${at}k`, value: 'v', lease }] })
        .catch((e: unknown) => e);
      expect(isFailure(error, 'fenced')).toBe(true);
      expect(await store.get(`${at}k`)).toBeUndefined();
      await lease.revoke();
    },
  );

  check('a key put without the lease outlives it', async (store, at) => {
    const lease = await store.lease(5000);
    await store.transact({ compare: [], writes: [{ put: `${at}k`, value: 'v', lease }] });
    await put(store, `${at}k`, 'mine');
    await lease.revoke();
    expect((await store.get(`${at}k`))?.value).toBe('mine');
  });
}

function mirrors(check: Check): void {
  check(
    'a mirror begins with the list and follows in order, with what was before',
    async (store, at) => {
      await put(store, `${at}m/a`, '1');
      await put(store, `${at}other`, 'x');
      const changes: Change[] = [];
      const mirror = store.mirror(`${at}m/`, (batch) => void changes.push(...batch));
      await mirror.ready;
      expect(mirror.get(`${at}m/a`)?.value).toBe('1');
      await put(store, `${at}m/b`, '2');
      await put(store, `${at}m/a`, '3');
      await put(store, `${at}m2`, 'not mine');
      const { revision } = await store.transact({ compare: [], writes: [{ delete: `${at}m/b` }] });
      await mirror.caughtUp(revision, 5000);
      expect(mirror.revision()).toBeGreaterThanOrEqual(revision);
      expect(mirror.isConnected()).toBe(true);
      const seen = changes.map((c) =>
        c.type === 'put'
          ? `${c.entry.key}=${c.entry.value}<${c.previous?.value}`
          : `-${c.previous.key}`,
      );
      expect(seen).toEqual([
        `${at}m/a=1<undefined`,
        `${at}m/b=2<undefined`,
        `${at}m/a=3<1`,
        `-${at}m/b`,
      ]);
      expect([...mirror.entries().keys()]).toEqual([`${at}m/a`]);
      mirror.close();
      await put(store, `${at}m/c`, 'late');
      expect(changes).toHaveLength(4);
      expect(mirror.isConnected()).toBe(false);
    },
  );

  check(
    'a mirror catches up with writes outside its prefix, and says when it does not',
    async (store, at) => {
      const mirror = store.mirror(`${at}m/`, () => undefined);
      await mirror.ready;
      const revision = await put(store, `${at}elsewhere`, 'x');
      await mirror.caughtUp(revision, 5000);
      const error: unknown = await mirror
        .caughtUp(revision + 1_000_000, 200)
        .catch((e: unknown) => e);
      expect(isFailure(error, 'transient') && error.code).toBe('WatchBehind');
      mirror.close();
    },
  );

  check('the writes of one transaction are one batch', async (store, at) => {
    const batches: number[] = [];
    const mirror = store.mirror(at, (batch) => void batches.push(batch.length));
    await mirror.ready;
    const writes = Array.from({ length: 100 }, (_, i) => ({ put: `${at}${i}`, value: 'x' }));
    await mirror.caughtUp((await store.transact({ compare: [], writes })).revision, 5000);
    const { revision } = await store.transact({ compare: [], writes: [{ deletePrefix: at }] });
    await mirror.caughtUp(revision, 5000);
    expect(batches).toEqual([100, 100]);
    mirror.close();
  });

  check(
    'after any writes the mirror equals the list, and the changes alone rebuild it',
    async (store, at) => {
      const key = fc.constantFrom('a', 'b', 'c/d', 'c/e');
      const step = fc.oneof(
        fc.record({ put: key, value: fc.string() }),
        fc.record({ delete: key }),
        fc.record({ deletePrefix: fc.constantFrom('c/', '') }),
      );
      let checked = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const base = `${at}${++checked}/`;
          const copy = new Map<string, string>();
          const mirror = store.mirror(base, (changes) => {
            for (const change of changes) {
              if (change.type === 'put') copy.set(change.entry.key, change.entry.value);
              else copy.delete(change.previous.key);
            }
          });
          for (const [i, one] of steps.entries()) {
            if (i === 4) await mirror.ready;
            const write: Write =
              'put' in one
                ? { put: base + one.put, value: one.value }
                : 'delete' in one
                  ? { delete: base + one.delete }
                  : { deletePrefix: base + one.deletePrefix };
            await store.transact({ compare: [], writes: [write] });
          }
          const { entries, revision } = await store.list(base);
          await mirror.caughtUp(revision, 5000);
          expect(
            [...mirror.entries().values()].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
          ).toEqual(entries);
          expect(copy).toEqual(new Map(entries.map((e) => [e.key, e.value])));
          mirror.close();
        }),
        { numRuns: 15 },
      );
      expect(checked).toBeGreaterThanOrEqual(15);
    },
  );
}
