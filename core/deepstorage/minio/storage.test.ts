// The contract on a real MinIO, and what only a network and a server can do to an upload.

import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'minio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownServer, serverForSuite } from '../../../test/servers/endpoints.ts';
import type { Endpoint, Server } from '../../../test/servers/server.ts';
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts';
import type { DeepStorage } from '../port.ts';
import { deepStorageContract } from '../port.contract.ts';
import { openMinioStorage } from './storage.ts';

const NEVER = new AbortController().signal;

function rawClient({ url, accessKey = '', secretKey = '' }: Endpoint): Client {
  const { hostname, port } = new URL(url);
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey,
    secretKey,
    region: 'us-east-1',
  });
}

function open(
  endpoint: Endpoint,
  bucket: string,
  more: { endpoint?: string; idleMs?: number; secretKey?: string } = {},
): DeepStorage {
  const { url, accessKey = '', secretKey = '' } = endpoint;
  return openMinioStorage({
    endpoint: url,
    accessKey,
    secretKey,
    bucket,
    prefix: 'druid/segments/',
    ...more,
  });
}

deepStorageContract('minio', async () => {
  const server = await serverForSuite('s3');
  if (typeof server === 'string') return server;
  const client = rawClient(server.endpoint);
  const bucket = `contract-${randomUUID()}`;
  await client.makeBucket(bucket);
  return {
    storage: open(server.endpoint, bucket),
    damage: async (path, bytes) =>
      void (await client.putObject(bucket, `druid/segments/${path}`, Buffer.from(bytes))),
    close: server.release,
  };
});

describe('a MinIO that fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-minio-test-'));
  const source = join(folder, 'source');
  const bucket = 'faults';
  let server: Server | string = 'not started';
  beforeAll(async () => {
    writeFileSync(source, randomBytes(30_000_000));
    server = await ownServer('s3');
    if (typeof server !== 'string') await rawClient(server.endpoint).makeBucket(bucket);
  });
  afterAll(async () => {
    if (typeof server !== 'string') await server.dispose();
    rmSync(folder, { recursive: true });
  });
  const withServer = (title: string, body: (server: Server) => Promise<void>): void => {
    test(title, async (context) => {
      if (typeof server === 'string') return context.skip(server);
      await body(server);
    });
  };
  const names = async (storage: DeepStorage): Promise<string[]> => {
    const found: string[] = [];
    for await (const { path } of storage.list('', NEVER)) found.push(path);
    return found;
  };

  withServer(
    'a wrong bucket and a wrong secret are config failures that name the fix',
    async ({ endpoint }) => {
      await expect(open(endpoint, 'no-such-bucket').check(NEVER)).rejects.toMatchObject({
        kind: 'config',
        code: 'BucketMissing',
      });
      await expect(
        open(endpoint, 'no-such-bucket').putBytes('a', Buffer.from('x'), NEVER),
      ).rejects.toMatchObject({ code: 'BucketMissing' });
      await expect(
        open(endpoint, bucket, { secretKey: 'wrong-secret' }).check(NEVER),
      ).rejects.toMatchObject({ kind: 'config', code: 'StorageDenied' });
      await expect(
        open(endpoint, bucket, { endpoint: 'http://127.0.0.1:1' }).check(NEVER),
      ).rejects.toMatchObject({ kind: 'transient', code: 'StorageUnavailable' });
    },
  );

  withServer('keys that are rotated are used from the next request on', async ({ endpoint }) => {
    const { url, accessKey = '', secretKey = '' } = endpoint;
    let current = 'out-of-date';
    const storage = openMinioStorage({
      endpoint: url,
      bucket,
      accessKey,
      get secretKey() {
        return current;
      },
    });
    const denied = { kind: 'config', code: 'StorageDenied' };
    await expect(storage.putBytes('rotated', Buffer.from('x'), NEVER)).rejects.toMatchObject(
      denied,
    );
    current = secretKey;
    await storage.putBytes('rotated', Buffer.from('x'), NEVER);
    expect((await storage.getBytes('rotated', 1, NEVER)).length).toBe(1);
    expect(await names(storage)).toEqual(['rotated']);
    current = 'out-of-date again';
    await expect(storage.getBytes('rotated', 1, NEVER)).rejects.toMatchObject(denied);
    await expect(names(storage)).rejects.toMatchObject(denied);
    current = secretKey;
    await storage.delete('rotated', NEVER);
  });

  withServer(
    'an upload whose connection breaks leaves nothing visible and can be repeated',
    async ({ endpoint }) => {
      const proxy = await startTcpProxy(endpoint.url.replace('http://', ''));
      const storage = open(endpoint, bucket, { endpoint: `http://${proxy.address}` });
      const upload = storage.putFile('cut', source, NEVER).catch((error: unknown) => error);
      await delay(60);
      proxy.cut(true);
      const outcome = await upload;
      proxy.cut(false);
      expect(outcome).toMatchObject({ kind: 'transient', code: 'StorageUnavailable' });
      expect(await names(open(endpoint, bucket))).toEqual([]);
      expect((await storage.putFile('cut', source, NEVER)).bytes).toBe(30_000_000);
      await storage.delete('cut', NEVER);
      await proxy.close();
    },
  );

  withServer('a transfer that stalls ends by itself', async ({ endpoint }) => {
    const proxy = await startTcpProxy(endpoint.url.replace('http://', ''));
    const storage = open(endpoint, bucket, { endpoint: `http://${proxy.address}`, idleMs: 500 });
    const file = await storage.putFile('stalled', source, NEVER);
    proxy.stall(true);
    await expect(storage.getFile(file, join(folder, 'target'), NEVER)).rejects.toThrow(
      /no progress/,
    );
    await expect(storage.putFile('stalled-2', source, NEVER)).rejects.toThrow(/no progress/);
    proxy.stall(false);
    await proxy.close();
    expect(await names(open(endpoint, bucket))).toEqual(['stalled']);
    await open(endpoint, bucket).delete('stalled', NEVER);
  });

  withServer(
    'after a kill in the middle nothing is visible; after the restart all works at once',
    async (minio) => {
      const storage = open(minio.endpoint, bucket);
      const kept = await storage.putBytes('kept', Buffer.from('x'), NEVER);
      const upload = storage.putFile('killed', source, NEVER).catch((error: unknown) => error);
      await delay(30);
      await minio.kill();
      expect(await upload).toMatchObject({ kind: 'transient' });
      await expect(storage.getBytes('kept', 1, NEVER)).rejects.toMatchObject({ kind: 'transient' });
      await minio.start();
      expect(await names(storage)).toEqual(['kept']);
      await storage.getFile(kept, join(folder, 'kept'), NEVER);
      expect((await storage.putFile('killed', source, NEVER)).bytes).toBe(30_000_000);
    },
  );
});
