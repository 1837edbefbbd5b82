// Which segment answers for which part of time: the highest version wins, all partitions of it count. Pure; fed by the
// broker with the ids that servers announce. Source: ingestion.md 6, architecture.md 5.9. Invariant I2.

import { condense, type Interval, intersect } from '../../core/model/interval.ts';
import type { SegmentId } from '../../core/model/data-segment.ts';

/** A segment and the parts of time it answers for. */
export interface Visible<T> {
  readonly segment: T;
  readonly intervals: readonly Interval[];
}

/** The visible segments of one data source within `asked` (condensed), in order of time, version and partition. */
export function visibleSegments<T extends { readonly segmentId: SegmentId }>(
  segments: readonly T[],
  asked: readonly Interval[],
): readonly Visible<T>[] {
  const byVersion = [...Map.groupBy(segments, (s) => s.segmentId.version)].toSorted(([a], [b]) =>
    a < b ? 1 : a > b ? -1 : 0,
  );
  const out: Visible<T>[] = [];
  let covered: Interval[] = [];
  for (const [, group] of byVersion) {
    for (const segment of group) {
      const free = subtract(segment.segmentId.interval, covered);
      const intervals = free.flatMap((part) =>
        asked.flatMap((interval) => intersect(part, interval) ?? []),
      );
      if (intervals.length > 0) out.push({ segment, intervals });
    }
    covered = [...covered, ...group.map((s) => s.segmentId.interval)];
  }
  return out.toSorted((a, b) => compareIds(a.segment.segmentId, b.segment.segmentId));
}

/** The parts of `asked` (condensed) that none of the intervals covers, in order. */
export function uncoveredParts(
  asked: readonly Interval[],
  covered: readonly Interval[],
): readonly Interval[] {
  const whole = condense(covered);
  return asked.flatMap((interval) => subtract(interval, whole));
}

/** What is left of an interval, in order. */
function subtract(interval: Interval, covered: readonly Interval[]): readonly Interval[] {
  let parts: Interval[] = [interval];
  for (const cover of covered) {
    parts = parts.flatMap((part) => {
      if (intersect(part, cover) === undefined) return [part];
      const before = { startMs: part.startMs, endMs: Math.min(part.endMs, cover.startMs) };
      const after = { startMs: Math.max(part.startMs, cover.endMs), endMs: part.endMs };
      return [before, after].filter((rest) => rest.startMs < rest.endMs);
    });
  }
  return parts;
}

function compareIds(a: SegmentId, b: SegmentId): number {
  if (a.interval.startMs !== b.interval.startMs) return a.interval.startMs - b.interval.startMs;
  if (a.version !== b.version) return a.version < b.version ? -1 : 1;
  return a.partition - b.partition;
}
