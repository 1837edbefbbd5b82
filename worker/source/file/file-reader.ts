// Reads the text of a file from a byte offset on, plain or gzip. Offsets count bytes of the text, so a
// compressed file is inflated from its start and what lies before the offset is thrown away.

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { Failure, messageOf } from '../../../core/runtime/failure.ts';

/** A position in the text of a file. */
export interface FileReader {
  /** Copies the next bytes to the start of `target`; 0 at the end for now. @throws Failure as {@link fileFailure} tells */
  read(target: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** Opens `path` at `offset` of its text. Files that end in `.gz` are inflated. */
export async function openFileReader(path: string, offset: number): Promise<FileReader> {
  try {
    return path.endsWith('.gz') ? await openGzip(path, offset) : await openPlain(path, offset);
  } catch (error) {
    throw fileFailure(error, path);
  }
}

async function openPlain(path: string, offset: number): Promise<FileReader> {
  const handle = await open(path, 'r');
  let position = offset;
  return {
    async read(target) {
      try {
        const { bytesRead } = await handle.read(target, 0, target.length, position);
        position += bytesRead;
        return bytesRead;
      } catch (error) {
        throw fileFailure(error, path);
      }
    },
    close: () => handle.close(),
  };
}

async function openGzip(path: string, offset: number): Promise<FileReader> {
  const chunks = inflate(path);
  let left: Uint8Array = new Uint8Array(0);
  let toSkip = offset;
  const more = async (): Promise<boolean> => {
    while (left.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return false;
      const skipped = Math.min(toSkip, next.value.length);
      toSkip -= skipped;
      left = next.value.subarray(skipped);
    }
    return true;
  };
  await more();
  return {
    async read(target) {
      if (!(await more())) return 0;
      const count = Math.min(left.length, target.length);
      target.set(left.subarray(0, count));
      left = left.subarray(count);
      return count;
    },
    async close() {
      await chunks.return(undefined);
    },
  };
}

/**
 * The text of a gzip file in chunks, its members one after the other. A last member that is cut off is the end
 * for now: the file is being written.
 *
 * @throws Failure `corrupt` FileBroken
 */
export async function* inflate(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const source = createReadStream(path, { highWaterMark: 256 * 1024 });
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    for await (const chunk of gunzip) yield chunk;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR') return;
    throw fileFailure(error, path);
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

/** What an error of the file system or of zlib means: `config` SourceFileMissing, SourceFileDenied; `corrupt` FileBroken; `transient` SourceUnavailable. */
export function fileFailure(error: unknown, path: string): Failure {
  if (error instanceof Failure) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = `source file '${path}': ${messageOf(error)}`;
  if (code === 'ENOENT')
    return new Failure(
      'config',
      'SourceFileMissing',
      `${text}; correct spec.source.file.paths`,
      error,
    );
  if (code === 'EACCES' || code === 'EISDIR')
    return new Failure('config', 'SourceFileDenied', `${text}; name a readable file`, error);
  if (code.startsWith('Z_'))
    return new Failure(
      'corrupt',
      'FileBroken',
      `${text}; the file is not gzip or is damaged`,
      error,
    );
  return new Failure('transient', 'SourceUnavailable', text, error);
}
