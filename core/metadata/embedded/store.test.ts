import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { metadataStoreContract } from '../port.contract.ts';
import { openEmbeddedStore } from './store.ts';

metadataStoreContract('embedded', () => {
  const store = openEmbeddedStore({ path: ':memory:' });
  return Promise.resolve({ store, close: () => store.close() });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-metadata-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('a file keeps entries and revisions; keys of an earlier lease are gone', async () => {
  const path = join(folder(), 'metadata.db');
  const first = openEmbeddedStore({ path });
  await first.transact({ compare: [], writes: [{ put: 'a', value: '1' }] });
  const lease = await first.lease(10_000);
  await first.transact({ compare: [], writes: [{ put: 'owner', value: 'me', lease }] });
  const before = await first.get('a');
  const { revision } = await first.list('');
  await first.close();
  const second = openEmbeddedStore({ path });
  expect(await second.get('a')).toEqual(before);
  expect(await second.get('owner')).toBeUndefined();
  expect((await second.list('')).revision).toBeGreaterThanOrEqual(revision);
  await second.close();
  await expect(second.get('a')).rejects.toMatchObject({
    kind: 'transient',
    code: 'StoreUnavailable',
  });
});

test('a second opener is told that the store is in use', async () => {
  const path = join(folder(), 'metadata.db');
  const store = openEmbeddedStore({ path });
  expect(() => openEmbeddedStore({ path })).toThrow(
    expect.objectContaining({ kind: 'config', code: 'StoreLocked' }),
  );
  await store.close();
});

test('what was committed before a kill is there after it, and leased keys are not', async () => {
  const path = join(folder(), 'metadata.db');
  const script = `
    import { openEmbeddedStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)};
    const store = openEmbeddedStore({ path: ${JSON.stringify(path)} });
    const lease = await store.lease(10000);
    await store.transact({ compare: [], writes: [{ put: 'owner', value: 'x', lease }] });
    for (let i = 1; ; i++) {
      await store.transact({ compare: [], writes: [{ put: 'n', value: String(i) }, { put: 'k' + i, value: '' }] });
      process.stdout.write(i + '\\n');
      await new Promise((r) => setImmediate(r));
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = 0;
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      printed = Number(chunk.toString().trim().split('\n').at(-1));
      if (printed > 20) child.kill('SIGKILL');
    });
    child.once('close', resolve);
  });
  const store = openEmbeddedStore({ path });
  const n = Number((await store.get('n'))?.value);
  expect(n).toBeGreaterThanOrEqual(printed);
  expect((await store.list('k')).entries).toHaveLength(n);
  expect(await store.get('owner')).toBeUndefined();
  await store.close();
});
