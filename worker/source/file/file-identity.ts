// How a file is told from another one under the same name: by its first bytes. They stay when it grows.

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { fileFailure, inflate, openFileReader } from './file-reader.ts';

/** How much of the beginning is looked at. */
export const BEGINNING_BYTES: number = 64 * 1024;

/** The first bytes of the text, at most {@link BEGINNING_BYTES}. @throws Failure as fileFailure tells */
export async function readBeginning(path: string): Promise<Uint8Array> {
  const reader = await openFileReader(path, 0);
  try {
    const bytes = new Uint8Array(BEGINNING_BYTES);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = await reader.read(bytes.subarray(length));
    }
    return bytes.subarray(0, length);
  } finally {
    await reader.close();
  }
}

/**
 * Stands for the file over restarts: SHA-256 of its first line (of its first 64 KiB when that is longer), which
 * does not change when lines are appended; `empty` before there is a line.
 */
export function identityOf(beginning: Uint8Array): string {
  const newline = beginning.indexOf(10);
  const length = newline < 0 ? beginning.length : newline + 1;
  if (newline < 0 && beginning.length < BEGINNING_BYTES) return 'empty';
  return createHash('sha256').update(beginning.subarray(0, length)).digest('hex');
}

/** True when `now` begins with what was seen `before`. */
export function beginsWith(now: Uint8Array, before: Uint8Array): boolean {
  return (
    now.length >= before.length && Buffer.compare(now.subarray(0, before.length), before) === 0
  );
}

/** What shows cheaply that a file may have changed. */
export interface FileStamp {
  readonly inode: number;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** The stamp of a file. @throws Failure as fileFailure tells */
export async function stampOf(path: string): Promise<FileStamp> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return { inode: ino, bytes: size, modifiedMs: mtimeMs };
  } catch (error) {
    throw fileFailure(error, path);
  }
}

/** Length of the text; a compressed file is inflated to find out. */
export async function textBytes(path: string): Promise<number> {
  if (!path.endsWith('.gz')) return (await stampOf(path)).bytes;
  let bytes = 0;
  for await (const chunk of inflate(path)) bytes += chunk.length;
  return bytes;
}
