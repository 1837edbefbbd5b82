// Time chunks of an open sequence: a row that fits none gets one here, allocated, announced, and only then handed to
// the index, so that no row is queryable under an id nobody can see (I2). Called by the group runner.

import { ingestionRoot } from '../../../core/metadata/keys.ts';
import type { ServedSegment } from '../../../core/metadata/values.ts';
import { formatSegmentId } from '../../../core/model/data-segment.ts';
import type { Allocation } from '../../publish/allocator.ts';
import type { GroupParts } from './group-parts.ts';
import { segmentIdOfChunk, type SequenceRun } from './sequence-run.ts';

/** Allocates and announces the chunk of a time. Idempotent: a repeat finds the same decision. */
export async function takeChunk(
  parts: GroupParts,
  run: SequenceRun,
  timeMs: number,
): Promise<Allocation> {
  const allocation = await parts.allocator.allocate(run.state, timeMs, run.schema);
  await announceChunks(parts, run, [allocation]);
  run.chunks.push(allocation);
  return allocation;
}

/** Announces the segments of chunks as realtime. */
export async function announceChunks(
  parts: GroupParts,
  run: SequenceRun,
  chunks: readonly Allocation[],
): Promise<void> {
  const { dataSource, announcer, group, log, ref } = parts;
  const served = chunks.flatMap((chunk): ServedSegment[] => {
    if (chunk.kind === 'refused') return [];
    const id = formatSegmentId(segmentIdOfChunk(dataSource, chunk));
    return [
      {
        id,
        dataSource,
        path: null,
        group: `${ingestionRoot(ref)}/${group}`,
        sequence: run.state.n,
      },
    ];
  });
  if (served.length === 0) return;
  await announcer.announce(served);
  for (const { id } of served) log.info(`announced ${id}`, { segment: id });
}
