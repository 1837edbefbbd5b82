// Users and passwords of a real etcd that are replaced under a running client: what it holds stays, what it asks goes on.

import { Etcd3 } from 'etcd3';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownServer } from '../../../test/servers/endpoints.ts';
import type { Server } from '../../../test/servers/server.ts';
import { openEtcdStore } from './store.ts';

const ROOT = { username: 'root', password: 'root' };
const WITHIN_MS = 10_000;

describe('etcd with users', () => {
  let server: Server | string = 'not started';
  const admin = (): Etcd3 =>
    new Etcd3({ hosts: typeof server === 'string' ? server : server.endpoint.url, auth: ROOT });

  beforeAll(async () => {
    server = await ownServer('etcd');
    if (typeof server === 'string') return;
    const first = new Etcd3({ hosts: server.endpoint.url });
    const root = await first.user('root').create('root');
    await root.addRole('root');
    const role = await first.role('sluice').create();
    await role.grant({ permission: 'Readwrite', range: first.range({ prefix: 'sluice/' }) });
    const user = await first.user('one').create('1');
    await user.addRole('sluice');
    await first.auth.authEnable();
    first.close();
  });
  afterAll(async () => {
    if (typeof server !== 'string') await server.dispose();
  });

  test('a rotated user is followed: leases live on, mirrors too, also over a restart', async (context) => {
    if (typeof server === 'string') return context.skip(server);
    const current = { username: 'one', password: '1' };
    const auth = {
      get username() {
        return current.username;
      },
      get password() {
        return current.password;
      },
    };
    const store = openEtcdStore({ hosts: [server.endpoint.url], timeoutMs: 2000, auth });
    const watcher = openEtcdStore({ hosts: [server.endpoint.url], timeoutMs: 2000, auth });
    const mirror = watcher.mirror('live/', () => undefined);
    await mirror.ready;
    const lease = await store.lease(3000);
    const put = (value: string): Promise<unknown> =>
      store.transact({ compare: [], writes: [{ put: 'live/owner', value, lease }] });
    await put('0');

    const root = admin();
    const second = await root.user('two').create('2');
    await second.addRole('sluice');
    Object.assign(current, { username: 'two', password: '2' });
    await root.user('one').delete();
    await put('1');
    await delay(4000);
    expect(lease.isAlive()).toBe(true);
    expect((await store.get('live/owner'))?.value).toBe('1');
    expect(mirror.entries().get('live/owner')?.value).toBe('1');

    // The same user with another password.
    Object.assign(current, { password: '3' });
    await root.user('two').setPassword('3');
    await put('2');
    root.close();

    // A restart forgets every token; the watcher makes no call of its own.
    await server.kill();
    await server.start();
    const startMs = performance.now();
    while (performance.now() - startMs < WITHIN_MS) {
      await put('3').catch(() => undefined);
      if (mirror.isConnected() && mirror.entries().get('live/owner')?.value === '3') break;
      await delay(50);
    }
    expect(mirror.entries().get('live/owner')?.value).toBe('3');
    expect(lease.isAlive()).toBe(true);

    // Out of date for good: a refusal that names the fix.
    const last = admin();
    await last.user('two').delete();
    last.close();
    await expect(put('4')).rejects.toMatchObject({ kind: 'config', code: 'StoreDenied' });
    await watcher.close();
    await store.close();
  }, 60_000);
});
