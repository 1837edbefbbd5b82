// What a worker finds when it starts: the group's unfinished sequences in etcd and its own hydrants on disk. Decides
// which of the two still belong together; the runner goes on from there. Source: protocol.md 7 "Restore".
// Invariant I1: hydrants count only for the sequence, start and end they were written under.

import { join } from 'node:path';
import type { SequenceState } from '../../../core/metadata/values.ts';
import { Failure } from '../../../core/runtime/failure.ts';
import { readCommit, removeOtherSequences } from '../../publish/commit-file.ts';
import type { GroupSnapshot } from '../../publish/group-state.ts';
import { recutReason } from '../../publish/sequence-plan.ts';
import { ROW_FORMAT } from '../../publish/sequence-protocol.ts';
import type { GroupParts } from './group-parts.ts';
import { sequenceDir, type SequenceRun, sequenceRun } from './sequence-run.ts';

/**
 * Rebuilds the unfinished sequences, oldest first; abandons them first when they cannot be published any more.
 *
 * @throws Failure `config` RowFormatUnknown, `corrupt` SchemaMissing
 */
export async function restoreSequences(
  parts: GroupParts,
  snapshot: GroupSnapshot,
  schemaRevision: number,
): Promise<SequenceRun[]> {
  const { protocol, group, log, root, metrics } = parts;
  const reason = recutReason(snapshot, group);
  if (reason !== undefined) {
    log.warn(
      'unfinished sequences cannot be published any more; abandoned, reading again from the committed offsets',
      { reason },
    );
    await protocol.recut(snapshot, schemaRevision);
    return restoreSequences(parts, await protocol.read(), schemaRevision);
  }
  await removeOtherSequences(root, [
    ...snapshot.unfinished.map((s) => s.value.id),
    ...parts.handOff.sequences(),
  ]);
  const runs: SequenceRun[] = [];
  for (const { value } of snapshot.unfinished) {
    const run = await restoreRun(parts, value, snapshot);
    metrics.restored(run.hydrants.length > 0 ? 'restored' : 'dropped');
    log.info('sequence taken up', {
      sequence: value.id,
      state: value.state,
      hydrants: run.hydrants.length,
      rows: run.rows,
    });
    runs.push(run);
  }
  return runs;
}

async function restoreRun(
  parts: GroupParts,
  state: SequenceState,
  snapshot: GroupSnapshot,
): Promise<SequenceRun> {
  const { root, pieces, allocator, clock } = parts;
  if (state.rowFormat !== ROW_FORMAT) {
    throw new Failure(
      'config',
      'RowFormatUnknown',
      `${state.id}: its rows follow format ${state.rowFormat}, this release knows ${ROW_FORMAT}; run the release that began it until it is published`,
    );
  }
  const schema = snapshot.schemas.get(state.schemaRevision)?.value;
  if (schema === undefined) {
    throw new Failure(
      'corrupt',
      'SchemaMissing',
      `${state.id}: schema revision ${state.schemaRevision} is gone from the metadata store`,
    );
  }
  const commit = await readCommit(sequenceDir(root, state.id), state);
  const chunks = await allocator.decided(state.id);
  const run = sequenceRun({ state, schema, root, chunks, commit, nowMs: clock.monotonicMs() });
  const opened = await Promise.all(
    run.hydrants.map((h) =>
      pieces.open({ segmentId: h.segmentId, sequenceId: state.id, dir: join(run.dir, h.dir) }),
    ),
  );
  pieces.replace([], opened);
  return run;
}
