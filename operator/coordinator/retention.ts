// Which tiers want a segment. Pure; fed by the coordinator with the rules of a data source and the segment's
// interval. Period load rules match on overlap; the first rule that matches decides. Source: ingestion.md 16.

import { Temporal } from 'temporal-polyfill';
import { type Interval, overlaps, parseInterval } from '../../core/model/interval.ts';
import type { RetentionRule, RetentionSpec } from '../../core/spec/realtime-ingestion.ts';

/** Druid's name of the tier that historicals join unless told otherwise. */
export const DEFAULT_TIER = '_default_tier';

/** Replicas wanted by tier; empty = no tier wants it. Undefined = it is to be dropped (marked unused). */
export function wantedReplicas(
  retention: RetentionSpec,
  interval: Interval,
  nowMs: number,
): ReadonlyMap<string, number> | undefined {
  for (const rule of retention.load ?? []) {
    if (matches(rule, interval, nowMs))
      return new Map(Object.entries(rule.tiers ?? { [DEFAULT_TIER]: 1 }));
  }
  if (retention.dropOthers === true) return undefined;
  return new Map([[DEFAULT_TIER, 1]]);
}

function matches(rule: RetentionRule, interval: Interval, nowMs: number): boolean {
  if (rule.interval !== undefined) return overlaps(parseInterval(rule.interval), interval);
  if (rule.period === undefined) return true;
  // Future segments match too, as with Druid's includeFuture.
  return interval.endMs > back(nowMs, rule.period);
}

function back(nowMs: number, period: string): number {
  return Temporal.Instant.fromEpochMilliseconds(nowMs)
    .toZonedDateTimeISO('UTC')
    .subtract(Temporal.Duration.from(period)).epochMilliseconds;
}
