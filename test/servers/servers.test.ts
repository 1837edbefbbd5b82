// The launcher itself: faults keep port and data, and nothing outlives the process that started it.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { isHealthy } from './health.ts';
import { ownServer } from './endpoints.ts';
import { freePorts } from './ports.ts';

test('a killed etcd starts again on the same port with its data', async (context) => {
  const etcd = await ownServer('etcd');
  if (typeof etcd === 'string') return context.skip(etcd);
  try {
    const call = (path: string, body: unknown): Promise<Response> =>
      fetch(`${etcd.endpoint.url}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    await call('put', { key: 'YQ==', value: 'Yg==' });
    await etcd.kill();
    expect(await isHealthy('etcd', etcd.endpoint)).toBe(false);
    await etcd.start();
    const answer = await (await call('range', { key: 'YQ==' })).json();
    expect(answer).toMatchObject({ kvs: [{ value: 'Yg==' }] });
  } finally {
    await etcd.dispose();
  }
});

test('free ports are distinct and can be listened on', async () => {
  const ports = await freePorts('127.0.0.1', 5);
  expect(new Set(ports).size).toBe(5);
});

test('servers end and their data goes when the starter is killed', async (context) => {
  const probe = await ownServer('redis');
  if (typeof probe === 'string') return context.skip(probe);
  await probe.dispose();
  const folders = (): string[] =>
    readdirSync(tmpdir()).filter((name) => name.startsWith('sluice-redis-'));
  const before = new Set(folders());
  const env = { ...process.env, SLUICE_REDIS: '' };
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'redis'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const url = await new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) =>
      resolve(chunk.toString().split('=')[1]?.trim() ?? ''),
    );
  });
  expect(await isHealthy('redis', { url })).toBe(true);
  const mine = folders().filter((name) => !before.has(name));
  expect(mine.length).toBeGreaterThan(0);
  child.kill('SIGKILL');
  const deadline = Date.now() + 10_000;
  while (
    Date.now() < deadline &&
    ((await isHealthy('redis', { url })) || mine.some((name) => existsSync(`${tmpdir()}/${name}`)))
  ) {
    await delay(50);
  }
  expect(await isHealthy('redis', { url })).toBe(false);
  expect(mine.filter((name) => existsSync(`${tmpdir()}/${name}`))).toEqual([]);
});
