// Deep storage as a folder, for local mode and tests. A file is written aside, synced, read back and then
// linked to its name, so that a name is either absent or whole, and is never overwritten.

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { LoadSpec } from '../../model/data-segment.ts';
import { Failure } from '../../runtime/failure.ts';
import { checkedPath } from '../path.ts';
import type { DeepStorage, StoredFile } from '../port.ts';
import { corrupt, digest, digestFile, of, saveVerified, syncFolder } from '../transfer.ts';
import { classify } from './classify.ts';

/** Holds files being written; never listed. */
const UNFINISHED = '.unfinished';

/** Opens a folder as deep storage; it is created when missing. */
export function openLocalStorage(folder: string): DeepStorage {
  return new LocalStorage(resolve(folder));
}

interface Content {
  readonly bytes: number;
  readonly sha256: string;
}

class LocalStorage implements DeepStorage {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  #full(path: string): string {
    return join(this.#root, ...checkedPath(path).split('/'));
  }

  async #guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw classify(error, path, this.#root);
    }
  }

  putFile(path: string, localFile: string, signal: AbortSignal): Promise<StoredFile> {
    const fill = (temporary: string): Promise<void> => copyFile(localFile, temporary);
    return this.#guarded(path, async () =>
      this.#put(path, fill, await digestFile(localFile, signal), signal),
    );
  }

  putBytes(path: string, bytes: Uint8Array, signal: AbortSignal): Promise<StoredFile> {
    const fill = (temporary: string): Promise<void> => writeFile(temporary, bytes);
    return this.#guarded(path, async () => this.#put(path, fill, await digest(of(bytes)), signal));
  }

  async #put(
    path: string,
    fill: (temporary: string) => Promise<void>,
    content: Content,
    signal: AbortSignal,
  ): Promise<StoredFile> {
    const target = this.#full(path);
    const temporary = join(this.#root, UNFINISHED, randomUUID());
    try {
      await mkdir(dirname(temporary), { recursive: true });
      await fill(temporary);
      await syncFile(temporary);
      const file = { path, ...content };
      const written = await digestFile(temporary, signal);
      if (written.sha256 !== file.sha256) throw corrupt(file, written);
      await this.#publish(temporary, target, file, signal);
      return file;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #publish(
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
    for (let at = parent; at.length >= this.#root.length; at = dirname(at)) await syncFolder(at);
  }

  getFile(file: StoredFile, localFile: string, signal: AbortSignal): Promise<void> {
    return this.#guarded(file.path, () =>
      saveVerified(createReadStream(this.#full(file.path), { signal }), file, localFile),
    );
  }

  getBytes(path: string, maxBytes: number): Promise<Uint8Array> {
    return this.#guarded(path, async () => {
      const handle = await open(this.#full(path), 'r');
      try {
        const { size } = await handle.stat();
        if (size > maxBytes) {
          const text = `deep-storage file '${path}' has ${size} bytes, at most ${maxBytes} were expected`;
          throw new Failure('corrupt', 'FileTooLong', text);
        }
        return await handle.readFile();
      } finally {
        await handle.close();
      }
    });
  }

  async *list(prefix: string, signal: AbortSignal): ReturnType<DeepStorage['list']> {
    // Only the folder part of the prefix narrows the walk; the rest is compared.
    const folder = join(this.#root, prefix.slice(0, Math.max(0, prefix.lastIndexOf('/'))));
    for await (const path of walk(folder, this.#root, signal)) {
      if (!path.startsWith(prefix)) continue;
      const info = await stat(this.#full(path)).catch(() => undefined);
      if (info !== undefined) yield { path, bytes: info.size, modifiedMs: info.mtimeMs };
    }
  }

  delete(path: string): Promise<void> {
    return this.#guarded(path, async () => {
      await rm(this.#full(path), { force: true });
      await removeEmptyFolders(dirname(this.#full(path)), this.#root);
    });
  }

  check(): Promise<void> {
    return this.#guarded('', async () => {
      await mkdir(join(this.#root, UNFINISHED), { recursive: true });
      const probe = join(this.#root, UNFINISHED, randomUUID());
      await writeFile(probe, '');
      await rm(probe);
    });
  }

  loadSpec(path: string): LoadSpec {
    return { type: 'local', path: this.#full(path) };
  }

  pathOf(loadSpec: LoadSpec): string {
    const path =
      loadSpec.type === 'local' ? relative(this.#root, loadSpec.path).split(sep).join('/') : '..';
    if (path.startsWith('..')) {
      const text = `load spec ${JSON.stringify(loadSpec)} is not in deep storage '${this.#root}'`;
      throw new Failure('config', 'LoadSpecForeign', text);
    }
    return checkedPath(path);
  }
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
