import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deepStorageContract } from '../port.contract.ts';
import { openLocalStorage } from './storage.ts';

const NEVER = new AbortController().signal;

deepStorageContract('local', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-local-storage-'));
  return Promise.resolve({
    storage: openLocalStorage(folder),
    damage: (path, bytes) => Promise.resolve(writeFileSync(join(folder, path), bytes)),
    close: () => Promise.resolve(rmSync(folder, { recursive: true })),
  });
});

test('nothing unfinished and no empty folder is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-local-storage-'));
  const storage = openLocalStorage(folder);
  await storage.putBytes('a/b/c', Buffer.from('x'), NEVER);
  await storage.delete('a/b/c', NEVER);
  expect(existsSync(join(folder, 'a'))).toBe(false);
  expect(readdirSync(join(folder, '.unfinished'))).toEqual([]);
  rmSync(folder, { recursive: true });
});

test.skipIf(process.getuid?.() === 0)(
  'a folder that cannot be written is a config failure',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-local-storage-'));
    chmodSync(folder, 0o500);
    await expect(openLocalStorage(folder).check(NEVER)).rejects.toMatchObject({
      kind: 'config',
      code: 'StorageDenied',
    });
    rmSync(folder, { recursive: true });
  },
);

test('a root that is a file is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-local-storage-'));
  writeFileSync(join(folder, 'file'), '');
  await expect(openLocalStorage(join(folder, 'file')).check(NEVER)).rejects.toThrow(/file/);
  rmSync(folder, { recursive: true });
});
