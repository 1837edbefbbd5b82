// Deep storage as a folder, for local mode and tests. A file is written aside, synced, read back and then
// linked to its name, so that a name is either absent or whole, and is never overwritten.

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Failure } from '../../runtime/failure.ts';
import { checkedPath } from '../path.ts';
import type { DeepStorage, StoredFile } from '../port.ts';
import { corrupt, digest, digestFile, of, saveVerified, syncFolder } from '../transfer.ts';
import { classify } from './classify.ts';

/** Holds files being written; never listed. */
const UNFINISHED = '.unfinished';

/** Opens a folder as deep storage; it is created when missing. */
export function openLocalStorage(folder: string): DeepStorage {
  const root = resolve(folder);
  const full = (path: string): string => join(root, ...checkedPath(path).split('/'));

  async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw classify(error, path, root);
    }
  }

  async function put(
    path: string,
    fill: (temporary: string) => Promise<void>,
    expected: Promise<{ bytes: number; sha256: string }>,
    signal: AbortSignal,
  ): Promise<StoredFile> {
    const target = full(path);
    const temporary = join(root, UNFINISHED, randomUUID());
    try {
      const content = await expected;
      await mkdir(dirname(temporary), { recursive: true });
      await fill(temporary);
      await syncFile(temporary);
      const file = { path, ...content };
      const written = await digestFile(temporary, signal);
      if (written.sha256 !== file.sha256) throw corrupt(file, written);
      await publish(temporary, target, file, signal);
      return file;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async function publish(
    temporary: string,
    target: string,
    file: StoredFile,
    signal: AbortSignal,
  ): Promise<void> {
    const parent = dirname(target);
    for (let attempt = 1; ; attempt++) {
      await mkdir(parent, { recursive: true });
      try {
        await link(temporary, target);
        break;
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : '';
        // A deletion elsewhere may remove the empty folder between the two calls.
        if (code === 'ENOENT' && attempt < 5) continue;
        if (code !== 'EEXIST') throw error;
        const existing = await digestFile(target, signal);
        if (existing.sha256 !== file.sha256) throw corrupt(file, existing);
        return;
      }
    }
    // New folders are names in their parents: sync up to the root.
    for (let at = parent; at.length >= root.length; at = dirname(at)) await syncFolder(at);
  }

  return {
    putFile: (path, localFile, signal) =>
      guarded(path, () =>
        put(
          path,
          (temporary) => copyFile(localFile, temporary),
          digestFile(localFile, signal),
          signal,
        ),
      ),
    putBytes: (path, bytes, signal) =>
      guarded(path, async () => {
        return put(path, (temporary) => writeFile(temporary, bytes), digest(of(bytes)), signal);
      }),
    getFile: (file, localFile, signal) =>
      guarded(file.path, () =>
        saveVerified(createReadStream(full(file.path), { signal }), file, localFile),
      ),
    getBytes: (path, maxBytes) =>
      guarded(path, async () => {
        const handle = await open(full(path), 'r');
        try {
          const { size } = await handle.stat();
          if (size > maxBytes)
            throw new Failure(
              'corrupt',
              'FileTooLong',
              `deep-storage file '${path}' has ${size} bytes, at most ${maxBytes} were expected`,
            );
          return await handle.readFile();
        } finally {
          await handle.close();
        }
      }),
    async *list(prefix, signal) {
      // Only the folder part of the prefix narrows the walk; the rest is compared.
      const slash = prefix.lastIndexOf('/');
      for await (const path of walk(
        join(root, prefix.slice(0, Math.max(0, slash))),
        root,
        signal,
      )) {
        if (!path.startsWith(prefix)) continue;
        const info = await stat(full(path)).catch(() => undefined);
        if (info !== undefined) yield { path, bytes: info.size, modifiedMs: info.mtimeMs };
      }
    },
    delete: (path) =>
      guarded(path, async () => {
        await rm(full(path), { force: true });
        await removeEmptyFolders(dirname(full(path)), root);
      }),
    check: () =>
      guarded('', async () => {
        await mkdir(join(root, UNFINISHED), { recursive: true });
        const probe = join(root, UNFINISHED, randomUUID());
        await writeFile(probe, '');
        await rm(probe);
      }),
    loadSpec: (path) => ({ type: 'local', path: full(path) }),
    pathOf(loadSpec) {
      const path =
        loadSpec.type === 'local' ? relative(root, loadSpec.path).split(sep).join('/') : '..';
      if (path.startsWith('..')) {
        throw new Failure(
          'config',
          'LoadSpecForeign',
          `load spec ${JSON.stringify(loadSpec)} is not in deep storage '${root}'`,
        );
      }
      return checkedPath(path);
    },
  };
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* walk(folder: string, root: string, signal: AbortSignal): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (signal.aborted) return;
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== UNFINISHED) yield* walk(path, root, signal);
    if (entry.isFile()) yield relative(root, path).split(sep).join('/');
  }
}

async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; at.length > root.length; at = dirname(at)) {
    const isEmptied = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!isEmptied) return;
  }
}
