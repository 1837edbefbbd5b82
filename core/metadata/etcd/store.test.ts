// The contract on a real etcd, and what only a server can do to its clients: die, forget history, freeze.

import { Etcd3 } from 'etcd3';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { ownServer, serverForSuite } from '../../../test/servers/endpoints.ts';
import type { Server } from '../../../test/servers/server.ts';
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts';
import { metadataStoreContract } from '../port.contract.ts';
import type { Change, MetadataStore } from '../port.ts';
import { openEtcdStore } from './store.ts';

metadataStoreContract('etcd', async () => {
  const server = await serverForSuite('etcd');
  if (typeof server === 'string') return server;
  const store = openEtcdStore({ hosts: [server.endpoint.url] });
  return {
    store,
    async close() {
      await store.close();
      await server.release();
    },
  };
});

test('an address where nobody answers is a transient failure', async () => {
  const store = openEtcdStore({ hosts: ['http://127.0.0.1:1'], timeoutMs: 1000 });
  await expect(store.get('a')).rejects.toMatchObject({
    kind: 'transient',
    code: 'StoreUnavailable',
  });
  await expect(store.lease(5000)).rejects.toMatchObject({ kind: 'transient' });
  await store.close();
});

describe('etcd that fails', () => {
  let server: Server | string = 'not started';
  const stores: MetadataStore[] = [];
  beforeAll(async () => {
    server = await ownServer('etcd');
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    if (typeof server !== 'string') await server.dispose();
  });

  const withServer = (
    title: string,
    body: (etcd: Server, open: () => MetadataStore) => Promise<void>,
  ): void => {
    test(title, async (context: TestContext) => {
      if (typeof server === 'string') return context.skip(server);
      const { url } = server.endpoint;
      await body(server, () => {
        const store = openEtcdStore({ hosts: [url], timeoutMs: 2000 });
        stores.push(store);
        return store;
      });
    });
  };
  const put = (store: MetadataStore, key: string, value: string): Promise<unknown> =>
    store.transact({ compare: [], writes: [{ put: key, value }] });
  const seen = (changes: readonly Change[]): string[] =>
    changes.map((c) =>
      c.type === 'put' ? `${c.entry.key}=${c.entry.value}` : `-${c.previous.key}`,
    );

  withServer(
    'the client works at once after a restart, and a refusal before it changes nothing',
    async (etcd, open) => {
      const store = open();
      await put(store, 'restart/a', '1');
      await expect(put(store, 'restart/b', 'x'.repeat(2_000_000))).rejects.toMatchObject({
        kind: 'bug',
      });
      await etcd.kill();
      for (let i = 0; i < 5; i++)
        await expect(store.get('restart/a')).rejects.toMatchObject({ kind: 'transient' });
      await etcd.start();
      const startedMs = performance.now();
      while ((await store.get('restart/a').catch(() => undefined)) === undefined) await delay(10);
      expect(performance.now() - startedMs).toBeLessThan(1500);
    },
  );

  withServer(
    'no change is lost over a kill, writes during the outage of the watch included',
    async (etcd, open) => {
      const store = open();
      const changes: Change[] = [];
      await put(store, 'outage/0', 'old');
      const mirror = store.mirror('outage/', (batch) => void changes.push(...batch));
      await mirror.ready;
      await etcd.kill();
      await delay(300);
      expect(mirror.isConnected()).toBe(false);
      await etcd.start();
      const other = open();
      for (let i = 1; i <= 5; i++) await put(other, `outage/${i}`, 'new');
      const last = await other.transact({ compare: [], writes: [{ delete: 'outage/0' }] });
      await mirror.caughtUp(last.revision, 5000);
      expect(seen(changes)).toEqual([
        'outage/0=old',
        ...[1, 2, 3, 4, 5].map((i) => `outage/${i}=new`),
        '-outage/0',
      ]);
      mirror.close();
    },
  );

  withServer('a compaction past the watch position delivers the difference', async (etcd) => {
    const proxy = await startTcpProxy(etcd.endpoint.url.replace('http://', ''));
    const store = openEtcdStore({ hosts: [`http://${proxy.address}`], timeoutMs: 2000 });
    const changes: Change[] = [];
    for (const key of ['gone', 'same', 'changed']) await put(store, `compact/${key}`, '1');
    const mirror = store.mirror('compact/', (batch) => void changes.push(...batch));
    await mirror.ready;
    changes.length = 0;
    proxy.cut(true);
    const raw = new Etcd3({ hosts: etcd.endpoint.url });
    await raw.delete().key('sluice/compact/gone');
    for (let i = 0; i < 20; i++) await raw.put('sluice/compact/changed').value(String(i));
    const answer = await raw.put('sluice/compact/new').value('n');
    await raw.kv.compact({ revision: answer.header.revision, physical: true });
    raw.close();
    proxy.cut(false);
    await mirror.caughtUp(Number(answer.header.revision), 5000);
    expect(Object.fromEntries([...mirror.entries()].map(([k, e]) => [k, e.value]))).toEqual({
      'compact/same': '1',
      'compact/changed': '19',
      'compact/new': 'n',
    });
    const final = new Map<string, string>([
      ['compact/gone', '1'],
      ['compact/same', '1'],
      ['compact/changed', '1'],
    ]);
    for (const change of changes) {
      if (change.type === 'put') final.set(change.entry.key, change.entry.value);
      else final.delete(change.previous.key);
    }
    expect(final).toEqual(new Map([...mirror.entries()].map(([k, e]) => [k, e.value])));
    // 20 versions were compacted into one: the difference is three changes, not 22.
    expect(changes).toHaveLength(3);
    mirror.close();
    await store.close();
    await proxy.close();
  });

  withServer(
    'a mirror of a server that is frozen knows it, and catches up after',
    async (etcd, open) => {
      const store = open();
      await put(store, 'relist/a', '1');
      const mirror = store.mirror('relist/', () => undefined);
      await mirror.ready;
      await etcd.freeze(true);
      await delay(4500);
      expect(mirror.isConnected()).toBe(false);
      await etcd.freeze(false);
      const { revision } = await store
        .transact({ compare: [], writes: [{ put: 'relist/b', value: '2' }] })
        .catch(async () => {
          await delay(500);
          return store.transact({ compare: [], writes: [{ put: 'relist/b', value: '2' }] });
        });
      await mirror.caughtUp(revision, 8000);
      expect([...mirror.entries().keys()]).toEqual(['relist/a', 'relist/b']);
      mirror.close();
    },
  );

  withServer('a lease survives a short outage and its key stays', async (etcd, open) => {
    const store = open();
    const lease = await store.lease(6000);
    await store.transact({ compare: [], writes: [{ put: 'short/owner', value: 'me', lease }] });
    await delay(1200);
    await etcd.kill();
    await delay(1000);
    await etcd.start();
    await delay(5000);
    expect(lease.isAlive()).toBe(true);
    expect((await store.get('short/owner'))?.value).toBe('me');
    await lease.revoke();
    expect(await store.get('short/owner')).toBeUndefined();
  });

  withServer(
    'a lease is dead for its holder before the server lets its key go, and stays dead',
    async (etcd, open) => {
      const store = open();
      const lease = await store.lease(3000);
      await store.transact({ compare: [], writes: [{ put: 'long/owner', value: 'me', lease }] });
      await etcd.freeze(true);
      const frozenMs = performance.now();
      await new Promise<void>((resolve) => lease.lost.addEventListener('abort', () => resolve()));
      const lostAfterMs = performance.now() - frozenMs;
      expect(lostAfterMs).toBeLessThan(2000 + 200);
      expect(lease.isAlive()).toBe(false);
      await etcd.freeze(false);
      await delay(500);
      expect(lease.isAlive()).toBe(false);
      await expect(
        store.transact({ compare: [], writes: [{ put: 'long/x', value: '', lease }] }),
      ).rejects.toMatchObject({ kind: 'fenced' });
      // The server frees the key by itself, although nobody revoked.
      const deadline = performance.now() + 15_000;
      while (
        (await store.get('long/owner').catch(() => 'x')) !== undefined &&
        performance.now() < deadline
      )
        await delay(100);
      expect(await store.get('long/owner')).toBeUndefined();
    },
  );

  withServer(
    'a lease whose id the server no longer knows is lost at the next renewal',
    async (etcd, open) => {
      const store = open();
      const lease = await store.lease(6000);
      const raw = new Etcd3({ hosts: etcd.endpoint.url });
      await raw.leaseClient.leaseRevoke({ ID: lease.id });
      raw.close();
      await new Promise<void>((resolve) => lease.lost.addEventListener('abort', () => resolve()));
      expect(lease.isAlive()).toBe(false);
    },
  );
});
