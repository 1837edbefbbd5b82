// The deep-storage port: immutable files under unique paths (invariant I7). Adapters: minio/ and local/.
// A path is written once; etcd decides which of the files exist (protocol.md 7 "Sweep").

import type { LoadSpec } from '../model/data-segment.ts';

/** What identifies the content of a stored file. */
export interface StoredFile {
  /** Relative to the storage's base, `/`-separated, no leading slash, no `.` or `..` parts. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, hex. */
  readonly sha256: string;
}

/** The port. Errors: `transient` StorageUnavailable, `config` BucketMissing / StorageDenied, `corrupt` FileCorrupt. */
export interface DeepStorage {
  /**
   * Stores a local file. When it resolves the file is durable, whole and read back as to length and checksum;
   * when it rejects nothing is visible under `path` (or an equal earlier upload is).
   * Must not exist before; an equal existing file is accepted (idempotent retry), another is `corrupt`.
   */
  putFile(path: string, localFile: string, signal: AbortSignal): Promise<StoredFile>;
  /** As putFile, for bytes in memory (manifests, dead letters). */
  putBytes(path: string, bytes: Uint8Array, signal: AbortSignal): Promise<StoredFile>;
  /**
   * Downloads to `localFile` (written beside and renamed, so never seen half), checking length and checksum.
   * @throws Failure `corrupt` FileCorrupt when they differ, `input` FileMissing when there is none
   */
  getFile(file: StoredFile, localFile: string, signal: AbortSignal): Promise<void>;
  /** Whole content in memory; at most `maxBytes`. @throws Failure `input` FileMissing, `corrupt` FileTooLong */
  getBytes(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Every file under a path prefix, any order; a file being written is not listed. */
  list(
    prefix: string,
    signal: AbortSignal,
  ): AsyncIterable<{ path: string; bytes: number; modifiedMs: number }>;
  /** Removes a file; absent is fine. */
  delete(path: string, signal: AbortSignal): Promise<void>;
  /** Checks that the bucket or folder exists and can be written. @throws Failure `config` naming the fix */
  check(signal: AbortSignal): Promise<void>;
  /** The loadSpec a Druid historical needs for `path`. */
  loadSpec(path: string): LoadSpec;
  /** Inverse of loadSpec. @throws Failure `config` LoadSpecForeign for another bucket or root */
  pathOf(loadSpec: LoadSpec): string;
}
