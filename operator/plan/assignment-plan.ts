// Which group reads which partitions: sticky, balanced, with the fewest moves. Pure; fed by the reconcile with what is
// stored, gives back what to store. Source: protocol.md 3, architecture.md 5.1.

import type { Assignment, PartitionState } from '../../core/metadata/values.ts';
import { Failure } from '../../core/runtime/failure.ts';

/** Most partitions of a group: a publication writes one key each, and etcd takes 128 (protocol.md 1). */
const PARTITIONS_PER_GROUP_MAX = 100;

/** Names of the groups of an ingestion: `g0`, `g1`, ... capped at the partition count. */
export function groupNames(count: number, partitions: number): readonly string[] {
  return Array.from({ length: Math.max(1, Math.min(count, partitions)) }, (_, i) => `g${i}`);
}

/**
 * Plans the assignment.
 *
 * @param current  group of each partition that is stored, where a move under way counts as done
 * @param dead  groups without a worker: they get nothing, unless the others cannot hold it all
 * @throws Failure `config` TooFewWorkers when a group would get more than 100 partitions
 */
export function planAssignment(
  partitions: readonly number[],
  count: number,
  current: ReadonlyMap<number, string>,
  dead: ReadonlySet<string> = new Set(),
): Assignment['groups'] {
  const all = groupNames(count, partitions.length);
  if (partitions.length > all.length * PARTITIONS_PER_GROUP_MAX) {
    const needed = Math.ceil(partitions.length / PARTITIONS_PER_GROUP_MAX);
    throw new Failure(
      'config',
      'TooFewWorkers',
      `spec.workers.count: value ${count} is too small for ${partitions.length} partitions, a group takes ${PARTITIONS_PER_GROUP_MAX}; set at least ${needed}`,
    );
  }
  const alive = all.filter((name) => !dead.has(name));
  const names = partitions.length > alive.length * PARTITIONS_PER_GROUP_MAX ? all : alive;
  const groups = new Map<string, number[]>(names.map((name) => [name, []]));
  const homeless: number[] = [];
  for (const partition of partitions) {
    const group = groups.get(current.get(partition) ?? '');
    if (group === undefined) homeless.push(partition);
    else group.push(partition);
  }
  // Groups above their share give up their last partitions; the first `extra` groups may hold one more.
  const share = Math.floor(partitions.length / names.length);
  let extra = partitions.length % names.length;
  for (const group of [...groups.values()].toSorted((a, b) => b.length - a.length)) {
    const room = share + (extra > 0 && group.length > share ? 1 : 0);
    if (room > share) extra--;
    homeless.push(...group.splice(room));
  }
  for (const partition of homeless.toSorted((a, b) => a - b)) {
    const least = [...groups.values()].toSorted((a, b) => a.length - b.length)[0];
    least?.push(partition);
  }
  return Object.fromEntries(
    all.map((name) => [name, (groups.get(name) ?? []).toSorted((a, b) => a - b)]),
  );
}

/** Group a partition belongs to, a move under way counting as done. */
export function targetGroup(state: PartitionState): string {
  return state.next?.group ?? state.group;
}
