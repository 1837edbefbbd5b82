// What every deep storage must do, run unchanged on a folder and on a real MinIO.

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeepStorage } from './port.ts';

/** A storage to test and the means to damage what it holds. */
export interface StorageUnderTest {
  readonly storage: DeepStorage;
  /** Replaces the stored bytes behind the storage's back. */
  readonly damage: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly close: () => Promise<void>;
}

const NEVER = new AbortController().signal;

/** Runs the contract, or skips it with the reason. */
export function deepStorageContract(
  name: string,
  open: () => Promise<StorageUnderTest | string>,
): void {
  describe(`deep-storage contract: ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-storage-test-'));
    let under: StorageUnderTest | undefined;
    let reason = '';
    beforeAll(async () => {
      const opened = await open();
      if (typeof opened === 'string') reason = opened;
      else under = opened;
    });
    afterAll(async () => {
      await under?.close();
      rmSync(folder, { recursive: true });
    });
    const check = (
      title: string,
      body: (under: StorageUnderTest, at: string, folder: string) => Promise<void>,
    ): void => {
      test(title, async (context) => {
        if (under === undefined) return context.skip(reason);
        await body(under, `t-${randomUUID()}`, folder);
      });
    };
    storing(check);
    failing(check);
  });
}

type Check = (
  title: string,
  body: (under: StorageUnderTest, at: string, folder: string) => Promise<void>,
) => void;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function listed(storage: DeepStorage, prefix: string): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for await (const { path, bytes, modifiedMs } of storage.list(prefix, NEVER)) {
    expect(Math.abs(Date.now() - modifiedMs)).toBeLessThan(120_000);
    found.push([path, bytes]);
  }
  return found.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function storing(check: Check): void {
  for (const size of [0, 1, 20_000_000]) {
    check(`a file of ${size} bytes comes back as it was`, async ({ storage }, at, folder) => {
      const bytes = randomBytes(size);
      const source = join(folder, randomUUID());
      writeFileSync(source, bytes);
      const file = await storage.putFile(
        `${at}/ds/2013-08-31T00:00:00.000Z_x/0/index.zip`,
        source,
        NEVER,
      );
      expect(file).toEqual({
        path: `${at}/ds/2013-08-31T00:00:00.000Z_x/0/index.zip`,
        bytes: size,
        sha256: sha256(bytes),
      });
      const target = join(folder, randomUUID());
      await storage.getFile(file, target, NEVER);
      expect(sha256(readFileSync(target))).toBe(file.sha256);
      expect(await listed(storage, `${at}/`)).toEqual([[file.path, size]]);
    });
  }

  check('bytes in memory, prefixes that end inside a name, deletion', async ({ storage }, at) => {
    for (const name of ['a/1', 'a/2', 'ab/1'])
      await storage.putBytes(`${at}/${name}`, Buffer.from(name), NEVER);
    expect(Buffer.from(await storage.getBytes(`${at}/a/2`, 100, NEVER)).toString()).toBe('a/2');
    expect((await listed(storage, `${at}/a`)).map(([path]) => path)).toEqual([
      `${at}/a/1`,
      `${at}/a/2`,
      `${at}/ab/1`,
    ]);
    expect((await listed(storage, `${at}/a/`)).map(([path]) => path)).toEqual([
      `${at}/a/1`,
      `${at}/a/2`,
    ]);
    await storage.delete(`${at}/a/1`, NEVER);
    await storage.delete(`${at}/a/1`, NEVER);
    expect((await listed(storage, `${at}/a/`)).map(([path]) => path)).toEqual([`${at}/a/2`]);
    expect(await listed(storage, `${at}/nothing`)).toEqual([]);
  });

  check(
    'storing the same again is accepted, other content is refused and does not replace',
    async ({ storage }, at) => {
      const path = `${at}/file`;
      const first = await storage.putBytes(path, Buffer.from('one'), NEVER);
      expect(await storage.putBytes(path, Buffer.from('one'), NEVER)).toEqual(first);
      await expect(storage.putBytes(path, Buffer.from('two'), NEVER)).rejects.toMatchObject({
        kind: 'corrupt',
        code: 'FileCorrupt',
      });
      expect(Buffer.from(await storage.getBytes(path, 3, NEVER)).toString()).toBe('one');
    },
  );

  check('of many writers of one path with different content one wins', async ({ storage }, at) => {
    const path = `${at}/raced`;
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        storage.putBytes(path, Buffer.from(`writer ${i}`), NEVER),
      ),
    );
    const won = results.flatMap((r, i) => (r.status === 'fulfilled' ? [i] : []));
    expect(won).toHaveLength(1);
    expect(Buffer.from(await storage.getBytes(path, 100, NEVER)).toString()).toBe(
      `writer ${won[0]}`,
    );
  });

  check('a load spec leads back to its path, a foreign one is refused', async ({ storage }, at) => {
    const path = `${at}/ds/x/index.zip`;
    expect(storage.pathOf(storage.loadSpec(path))).toBe(path);
    expect(() => storage.pathOf({ type: 'local', path: '/etc/passwd' })).toThrow(/is not in/);
    expect(() =>
      storage.pathOf({ type: 's3_zip', bucket: 'other', key: 'k', S3Schema: 's3n' }),
    ).toThrow(/is not in/);
  });

  check('check accepts a storage that works and leaves nothing behind', async ({ storage }) => {
    const before = await listed(storage, '');
    await storage.check(NEVER);
    expect((await listed(storage, '')).length).toBe(before.length);
  });
}

function failing(check: Check): void {
  check(
    'damage is found on reading and leaves no local file',
    async ({ storage, damage }, at, folder) => {
      const file = await storage.putBytes(`${at}/f`, Buffer.from('right content'), NEVER);
      const target = join(folder, randomUUID());
      for (const bytes of ['wrong content', 'right conten', 'right content and more']) {
        await damage(file.path, Buffer.from(bytes));
        await expect(storage.getFile(file, target, NEVER)).rejects.toMatchObject({
          kind: 'corrupt',
          code: 'FileCorrupt',
        });
      }
      expect(
        readdirSync(folder).filter((name) => target.endsWith(name.split('.')[0] ?? '')),
      ).toEqual([]);
    },
  );

  check('what is missing or too long is said so', async ({ storage }, at, folder) => {
    const absent = { path: `${at}/absent`, bytes: 1, sha256: sha256(Buffer.from('x')) };
    await expect(storage.getFile(absent, join(folder, 'x'), NEVER)).rejects.toMatchObject({
      kind: 'input',
      code: 'FileMissing',
    });
    await expect(storage.getBytes(absent.path, 10, NEVER)).rejects.toMatchObject({
      kind: 'input',
      code: 'FileMissing',
    });
    await storage.putBytes(`${at}/long`, Buffer.alloc(100), NEVER);
    await expect(storage.getBytes(`${at}/long`, 99, NEVER)).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'FileTooLong',
    });
    await expect(storage.putFile(`${at}/y`, join(folder, 'no-such-file'), NEVER)).rejects.toThrow();
    expect(await listed(storage, `${at}/y`)).toEqual([]);
  });

  check('an upload that is aborted leaves nothing visible', async ({ storage }, at, folder) => {
    const source = join(folder, randomUUID());
    writeFileSync(source, randomBytes(5_000_000));
    const stop = new AbortController();
    const upload = storage.putFile(`${at}/aborted`, source, stop.signal);
    stop.abort();
    await expect(upload).rejects.toMatchObject({ kind: 'transient' });
    expect(await listed(storage, `${at}/`)).toEqual([]);
  });

  check('paths that climb or are absolute are refused', async ({ storage }) => {
    for (const path of ['', '/a', '../a', 'a/../b', 'a//b', './a', 'a\\b']) {
      await expect(storage.putBytes(path, Buffer.from('x'), NEVER)).rejects.toMatchObject({
        kind: 'bug',
        code: 'PathInvalid',
      });
    }
  });
}
