// The commit file of a sequence on the worker's own volume: which hydrants are complete and up to where they cover
// each partition. Written after the hydrants are durable; read at start to go on without reading the stream again.
// Source: protocol.md 7 "Restore"; ingestion.md 4. Invariant I1: hydrants without a commit file do not count.

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByPartition, Position, SequenceState } from '../../core/metadata/values.ts';

/** One persisted increment of a segment. */
export interface Hydrant {
  /** Folder name under the sequence's folder. */
  readonly dir: string;
  readonly segmentId: string;
  /** `start/end`. */
  readonly interval: string;
  readonly version: string;
  readonly partition: number;
  readonly rows: number;
  readonly bytes: number;
}

/** The content of `commit.json`. */
export interface Commit {
  readonly v: 1;
  readonly sequenceId: string;
  readonly start: SequenceState['start'];
  /** Positions up to which the hydrants hold every row. */
  readonly positions: ByPartition<Position>;
  readonly hydrants: readonly Hydrant[];
  /** Dimensions met so far, in order of discovery; those of the schema when it lists them. */
  readonly dimensions: readonly string[];
  /** Bad records counted in this sequence so far, so that `badRecords.max` survives a restart. */
  readonly badRecords: number;
}

const FILE = 'commit.json';

/** Writes the file so that a crash leaves the old one or the new one: temp file, fsync, rename, fsync of the folder. */
export async function writeCommit(dir: string, commit: Commit): Promise<void> {
  const temporary = join(dir, `${FILE}.tmp`);
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(JSON.stringify(commit));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(dir, FILE));
  await syncDir(dir);
}

/**
 * Reads the file of a sequence and keeps exactly the hydrants it names. Undefined when it is missing, torn or of
 * another start: then the folder is emptied and the sequence read again from its start (histories 5, 12).
 */
export async function readCommit(
  dir: string,
  sequence: SequenceState,
): Promise<Commit | undefined> {
  await mkdir(dir, { recursive: true });
  const commit = await readFile(join(dir, FILE), 'utf8').then(parseCommit, () => undefined);
  const isUsable =
    commit !== undefined &&
    commit.sequenceId === sequence.id &&
    isSameStart(commit.start, sequence.start) &&
    !isBeyond(commit.positions, sequence.end);
  const kept = new Set(isUsable ? [FILE, ...commit.hydrants.map((h) => h.dir)] : []);
  for (const name of await readdir(dir)) {
    if (!kept.has(name)) await rm(join(dir, name), { recursive: true, force: true });
  }
  return isUsable ? commit : undefined;
}

/** Removes folders of sequences that are not among `kept`. */
export async function removeOtherSequences(root: string, kept: readonly string[]): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    if (!kept.includes(name)) await rm(join(root, name), { recursive: true, force: true });
  }
}

async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parseCommit(text: string): Commit | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isCommit =
      typeof value === 'object' &&
      value !== null &&
      'v' in value &&
      value.v === 1 &&
      'hydrants' in value &&
      Array.isArray(value.hydrants);
    // Written by writeCommit of this version; a torn file does not parse.
    return isCommit ? (value as unknown as Commit) : undefined;
  } catch {
    return undefined;
  }
}

function isSameStart(a: SequenceState['start'], b: SequenceState['start']): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((p) => a[p]?.offset === b[p]?.offset && a[p]?.epoch === b[p]?.epoch)
  );
}

/** True when a hydrant holds rows beyond an end that was cut without this worker. */
function isBeyond(
  positions: ByPartition<Position>,
  end: ByPartition<Position> | undefined,
): boolean {
  return (
    end !== undefined &&
    Object.entries(positions).some(([p, { offset }]) => offset > (end[p]?.offset ?? -1))
  );
}
