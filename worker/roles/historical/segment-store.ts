// Published segments on a historical's own disk: fetched, verified, unpacked beside and renamed, remembered by a
// descriptor, with hashes of what was verified. What is broken is quarantined, never served. Invariant I7: a copy is known by id *and* unique path.

import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeepStorage } from '../../../core/deepstorage/port.ts';
import { type DataSegment, uniquePathOf } from '../../../core/model/data-segment.ts';
import { writeHashes } from '../../segment/segment-hashes.ts';
import { unzipSegment } from '../../segment/zip.ts';

const DESCRIPTOR = 'descriptor.json';
const HASHES = 'segment.hashes';

/** A segment on disk. */
export interface StoredSegment {
  readonly segment: DataSegment;
  /** The segment folder. */
  readonly dir: string;
  /** Hashes of its files, taken when they were verified. */
  readonly hashFile: string;
}

/** The folder of segments of one historical. */
export class SegmentStore {
  readonly #root: string;
  readonly #storage: DeepStorage;

  constructor(root: string, storage: DeepStorage) {
    this.#root = root;
    this.#storage = storage;
  }

  /** Segments that are complete on disk; leftovers of a crash are removed. */
  async list(): Promise<readonly StoredSegment[]> {
    await mkdir(this.#root, { recursive: true });
    const found: StoredSegment[] = [];
    for (const name of await readdir(this.#root)) {
      const folder = join(this.#root, name);
      const segment = await readFile(join(folder, DESCRIPTOR), 'utf8').then(
        parseDescriptor,
        () => undefined,
      );
      const isComplete = segment !== undefined && this.#folder(segment) === folder;
      if (isComplete && (await exists(join(folder, HASHES)))) found.push(stored(segment, folder));
      else if (name !== 'quarantine') await rm(folder, { recursive: true, force: true });
    }
    return found;
  }

  /**
   * Fetches a segment: length and checksum are verified while downloading, sizes while unpacking.
   *
   * @throws Failure `corrupt` FileCorrupt or SegmentCorrupt; `transient` StorageUnavailable; `input` FileMissing
   */
  async fetch(segment: DataSegment, signal: AbortSignal): Promise<StoredSegment> {
    const folder = this.#folder(segment);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const zipFile = join(folder, 'index.zip');
    try {
      const { zipBytes, sha256 } = segment.sluice;
      await this.#storage.getFile(
        { path: this.#storage.pathOf(segment.loadSpec), bytes: zipBytes, sha256 },
        zipFile,
        signal,
      );
      const { hashes } = await unzipSegment(zipFile, join(folder, 'segment'), {
        bytesMax: segment.size,
      });
      await rm(zipFile);
      await writeFile(join(folder, HASHES), writeHashes(hashes), { flush: true });
      // Last: a folder without it does not count.
      await writeFile(join(folder, `${DESCRIPTOR}.tmp`), JSON.stringify(segment), { flush: true });
      await rename(join(folder, `${DESCRIPTOR}.tmp`), join(folder, DESCRIPTOR));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    return stored(segment, folder);
  }

  async remove(segment: DataSegment): Promise<void> {
    await rm(this.#folder(segment), { recursive: true, force: true });
  }

  /** Puts a broken copy aside for people to look at; one per segment is kept. */
  async quarantine(segment: DataSegment): Promise<void> {
    const target = join(this.#root, 'quarantine', this.#name(segment));
    // A load that failed leaves nothing; what was put aside before stays.
    if (!(await exists(this.#folder(segment)))) return;
    await rm(target, { recursive: true, force: true });
    await mkdir(join(this.#root, 'quarantine'), { recursive: true });
    await rename(this.#folder(segment), target).catch(() => undefined);
  }

  #folder(segment: DataSegment): string {
    return join(this.#root, this.#name(segment));
  }

  #name(segment: DataSegment): string {
    return createHash('sha256')
      .update(`${segment.identifier}\n${uniquePathOf(segment)}`)
      .digest('hex')
      .slice(0, 32);
  }
}

function stored(segment: DataSegment, folder: string): StoredSegment {
  return { segment, dir: join(folder, 'segment'), hashFile: join(folder, HASHES) };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function parseDescriptor(text: string): DataSegment | undefined {
  try {
    // Written by fetch() of this class, whole or not at all.
    return JSON.parse(text) as DataSegment;
  } catch {
    return undefined;
  }
}
