// One unfinished sequence inside an ingest worker: its stored state, its chunks, and how far its rows are read,
// persisted and built. Plain state; the group runner decides, the persister and publisher work on it.

import { join } from 'node:path';
import type { ByPartition, Position, SequenceState } from '../../../core/metadata/values.ts';
import type { CompiledSchema } from '../../../core/spec/compiled.ts';
import { formatSegmentId, type SegmentId } from '../../../core/model/data-segment.ts';
import type { Allocation } from '../../publish/allocator.ts';
import type { Commit, Hydrant } from '../../publish/commit-file.ts';
import type { ChunkTarget } from './index-messages.ts';

/** A sequence being filled, built or published. */
export interface SequenceRun {
  state: SequenceState;
  readonly schema: CompiledSchema;
  readonly dir: string;
  /** Decisions of the allocator, in order. */
  readonly chunks: Allocation[];
  /** Positions of what is in memory or on disk. */
  positions: Record<string, Position>;
  /** Complete hydrants, as in the commit file. */
  hydrants: Hydrant[];
  dimensions: readonly string[];
  /** Monotonic ms at which it was closed; undefined while open. */
  closedAtMs: number | undefined;
  /** Stored rows persisted so far, over all chunks. */
  rows: number;
  bytes: number;
  badRecords: number;
}

/** Builds the run of a sequence from its state and, after a restart, its commit file. */
export function sequenceRun(parts: {
  state: SequenceState;
  schema: CompiledSchema;
  root: string;
  chunks: readonly Allocation[];
  commit: Commit | undefined;
  nowMs: number;
}): SequenceRun {
  const { state, commit } = parts;
  const hydrants = [...(commit?.hydrants ?? [])];
  return {
    state,
    schema: parts.schema,
    dir: sequenceDir(parts.root, state.id),
    chunks: [...parts.chunks],
    positions: { ...(commit?.positions ?? startPositions(state.start)) },
    hydrants,
    dimensions: commit?.dimensions ?? parts.schema.dimensions.map((d) => d.name),
    closedAtMs: state.state === 'closed' ? parts.nowMs : undefined,
    rows: hydrants.reduce((sum, h) => sum + h.rows, 0),
    bytes: hydrants.reduce((sum, h) => sum + h.bytes, 0),
    badRecords: commit?.badRecords ?? 0,
  };
}

/** Folder of a sequence under the worker's data folder. */
export function sequenceDir(root: string, sequenceId: string): string {
  return join(root, sequenceId);
}

/** Id of the segment that a chunk of this data source becomes. */
export function segmentIdOfChunk(
  dataSource: string,
  chunk: Allocation & { kind: 'segment' },
): SegmentId {
  return {
    dataSource,
    interval: chunk.interval,
    version: chunk.version,
    partition: chunk.partition,
  };
}

/** The chunk as the index thread knows it. */
export function chunkTarget(dataSource: string, chunk: Allocation): ChunkTarget {
  return {
    interval: chunk.interval,
    segmentId:
      chunk.kind === 'refused' ? null : formatSegmentId(segmentIdOfChunk(dataSource, chunk)),
  };
}

function startPositions(start: SequenceState['start']): ByPartition<Position> {
  return Object.fromEntries(
    Object.entries(start).map(([p, { offset, watermarkMs, leaderEpoch }]) => [
      p,
      { offset, watermarkMs, leaderEpoch },
    ]),
  );
}
