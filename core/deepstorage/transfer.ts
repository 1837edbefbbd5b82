// Moving bytes with their checksum: hashing a file, and saving a download so that it is never seen half or
// wrong. Shared by the adapters.

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../runtime/failure.ts';
import type { StoredFile } from './port.ts';

// Chunks large enough that per-chunk costs vanish, small enough to abort between them.
const CHUNK_BYTES = 256 * 1024;

/** Length and SHA-256 (hex) of a local file. Rejects when the signal aborts. */
export async function digestFile(
  file: string,
  signal: AbortSignal,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  return digest(createReadStream(file, { highWaterMark: CHUNK_BYTES, signal }));
}

/** Length and SHA-256 (hex) of a stream. */
export async function digest(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Bytes in memory as a stream of one chunk. */
// oxlint-disable-next-line require-await
export async function* of(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * Writes a stream beside `localFile`, durably, and renames it there when length and checksum are those of `file`.
 *
 * @throws Failure `corrupt` FileCorrupt; nothing is left behind
 */
export async function saveVerified(
  source: AsyncIterable<Uint8Array>,
  file: StoredFile,
  localFile: string,
): Promise<void> {
  const part = `${localFile}.${randomUUID()}.part`;
  try {
    const got = await write(source, part, file.bytes);
    if (got.bytes !== file.bytes || got.sha256 !== file.sha256) throw corrupt(file, got);
    await rename(part, localFile);
    await syncFolder(dirname(localFile));
  } finally {
    await rm(part, { force: true });
  }
}

/** Copies a stream into a new file and syncs it. Stops beyond `bytesMax`. */
async function write(
  source: AsyncIterable<Uint8Array>,
  path: string,
  bytesMax: number,
): Promise<{ bytes: number; sha256: string }> {
  const handle = await open(path, 'wx');
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      // More than the file should have: no need to fill the disk to know that it is wrong.
      if (bytes > bytesMax) break;
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

/** Makes names in a folder durable: creations and renames survive a power cut after it. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The failure of content that is not what it should be. */
export function corrupt(
  file: StoredFile,
  got: { readonly bytes: number; readonly sha256: string },
): Failure {
  const text = `expected ${file.bytes} bytes with SHA-256 ${file.sha256}, found ${got.bytes} with ${got.sha256}`;
  return new Failure('corrupt', 'FileCorrupt', `deep-storage file '${file.path}': ${text}`);
}
