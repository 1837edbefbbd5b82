// Intermediate results as bytes: from data node to broker and into the cache. Columns of typed arrays, sketches
// raw, all lengths checked. Layout: u32 magic, u8 version, u8 kind, then the kind's columns as written below.

import { Failure } from '../../core/runtime/failure.ts';
import { segmentQuery } from './by-segment.ts';
import { ByteReader, ByteWriter } from './aggregate/bytes.ts';
import { makeState } from './aggregate/make-state.ts';
import { dimensionsOf, type Query } from './model.ts';
import type {
  Extent,
  GroupsPartial,
  Partial,
  ScanBatch,
  SearchHit,
  SegmentAnalysis,
} from './partial.ts';

/** "SLQ1" */
const MAGIC = 0x31514c53;
/** Bumped when a layout changes; both sides of a rolling update must then retry elsewhere. */
const VERSION = 1;
const KINDS = ['groups', 'scan', 'search', 'boundary', 'metadata', 'segments'] as const;

/** Bytes of a result. `query` must be the one it answers. */
export function encodePartial(query: Query, partial: Partial): Uint8Array {
  const out = new ByteWriter();
  out.u32(MAGIC);
  out.u8(VERSION);
  out.u8(KINDS.indexOf(partial.kind));
  switch (partial.kind) {
    case 'groups':
      writeGroups(out, partial);
      break;
    case 'scan':
      out.u32(partial.batches.length);
      for (const batch of partial.batches) writeBatch(out, batch);
      break;
    case 'search':
      writeDoubles(out, partial.buckets);
      out.u32(partial.hits.length);
      for (const hit of partial.hits) writeHit(out, hit);
      break;
    case 'boundary':
      out.f64(partial.minMs ?? Number.NaN);
      out.f64(partial.maxMs ?? Number.NaN);
      break;
    case 'metadata':
      out.text(JSON.stringify(partial.segments));
      break;
    case 'segments':
      out.u32(partial.parts.length);
      for (const { segment, startMs, interval, partial: inner } of partial.parts) {
        out.text(segment);
        out.f64(startMs);
        out.f64(interval.startMs);
        out.f64(interval.endMs);
        out.bytes(encodePartial(segmentQuery(query, interval), inner));
      }
      break;
  }
  return out.finish();
}

/**
 * Inverse of {@link encodePartial}.
 *
 * @throws Failure `corrupt` PartialCorrupt for bytes of another version, another query or none
 */
export function decodePartial(query: Query, bytes: Uint8Array): Partial {
  const input = new ByteReader(bytes);
  if (input.u32() !== MAGIC) throw corrupt('the first bytes are wrong');
  const version = input.u8();
  if (version !== VERSION) throw corrupt(`version ${version}, expected ${VERSION}`);
  const kind = KINDS[input.u8()];
  if (kind === undefined || kind !== kindOf(query))
    throw corrupt(`kind ${kind ?? 'unknown'} for a ${query.queryType} query`);
  const partial = readKind(query, kind, input);
  input.end();
  return partial;
}

function kindOf(query: Query): (typeof KINDS)[number] {
  if (query.context.bySegment) return 'segments';
  switch (query.queryType) {
    case 'timeseries':
    case 'topN':
    case 'groupBy':
      return 'groups';
    case 'timeBoundary':
    case 'dataSourceMetadata':
      return 'boundary';
    case 'segmentMetadata':
      return 'metadata';
    default:
      return query.queryType;
  }
}

function corrupt(what: string): Failure {
  return new Failure('corrupt', 'PartialCorrupt', `intermediate result: ${what}`);
}

function readKind(query: Query, kind: (typeof KINDS)[number], input: ByteReader): Partial {
  switch (kind) {
    case 'groups':
      return readGroups(query, input);
    case 'scan':
      return { kind, batches: Array.from({ length: input.count(1) }, () => readBatch(input)) };
    case 'search':
      return {
        kind,
        buckets: readDoubles(input),
        hits: Array.from({ length: input.count(1) }, () => readHit(input)),
      };
    case 'boundary':
      return { kind, minMs: numberOrNull(input.f64()), maxMs: numberOrNull(input.f64()) };
    case 'metadata':
      return { kind, segments: readSegments(input.text()) };
    case 'segments':
      return {
        kind,
        parts: Array.from({ length: input.count(32) }, () => {
          const segment = input.text();
          const startMs = input.f64();
          const interval = { startMs: input.f64(), endMs: input.f64() };
          const partial = decodePartial(segmentQuery(query, interval), input.bytes());
          return { segment, startMs, interval, partial };
        }),
      };
  }
}

function numberOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function readSegments(text: string): SegmentAnalysis[] {
  try {
    // Written by this file from the same type, behind a checked version.
    return JSON.parse(text) as SegmentAnalysis[];
  } catch {
    throw corrupt('segment analyses are no JSON');
  }
}

function writeDoubles(out: ByteWriter, values: readonly number[]): void {
  out.u32(values.length);
  for (const value of values) out.f64(value);
}

function readDoubles(input: ByteReader): number[] {
  return Array.from({ length: input.count(8) }, () => input.f64());
}

/** extents, size, times, dimension columns, state columns. */
function writeGroups(out: ByteWriter, groups: GroupsPartial): void {
  writeDoubles(
    out,
    groups.extents.flatMap((extent) => [extent.atMs, extent.firstMs, extent.lastMs]),
  );
  out.u32(groups.size);
  out.cells(groups.times);
  for (const column of groups.keys) for (const value of column) out.value(value);
  for (const state of groups.states) state.write(out, groups.size);
}

function readGroups(query: Query, input: ByteReader): GroupsPartial {
  if (!('aggregations' in query)) throw corrupt(`groups for a ${query.queryType} query`);
  const bounds = readDoubles(input);
  const extents: Extent[] = [];
  for (let i = 0; i + 2 < bounds.length; i += 3) {
    extents.push({ atMs: bounds[i] ?? 0, firstMs: bounds[i + 1] ?? 0, lastMs: bounds[i + 2] ?? 0 });
  }
  const size = input.count(8);
  const times = input.doubles(size);
  const keys = dimensionsOf(query).map(() => Array.from({ length: size }, () => input.value()));
  const states = query.aggregations.map((aggregator) => {
    const state = makeState(aggregator);
    state.read(input, size);
    state.reserve(size);
    return state;
  });
  return { kind: 'groups', extents, size, times, keys, states };
}

/** segment, columns with types, size, times (present or not), value columns. */
function writeBatch(out: ByteWriter, batch: ScanBatch): void {
  out.text(batch.segmentId);
  out.u32(batch.columns.length);
  batch.columns.forEach((name, c) => {
    out.text(name);
    out.value(batch.types[c] ?? null);
  });
  out.u32(batch.size);
  out.u32(batch.times.length);
  out.cells(batch.times);
  for (const column of batch.values) for (const value of column) out.value(value);
}

function readBatch(input: ByteReader): ScanBatch {
  const segmentId = input.text();
  const columns: string[] = [];
  const types: (string | null)[] = [];
  for (let c = input.count(5); c > 0; c--) {
    columns.push(input.text());
    const type = input.value();
    types.push(typeof type === 'string' ? type : null);
  }
  const size = columns.length === 0 ? input.u32() : input.count(columns.length);
  const times = input.doubles(input.count(8));
  const values = columns.map(() => Array.from({ length: size }, () => input.value()));
  return { segmentId, columns, types, size, times, values };
}

function writeHit(out: ByteWriter, hit: SearchHit): void {
  out.f64(hit.timeMs);
  out.text(hit.dimension);
  out.value(hit.value);
  out.f64(hit.count);
}

function readHit(input: ByteReader): SearchHit {
  const timeMs = input.f64();
  const dimension = input.text();
  const value = input.value();
  return { timeMs, dimension, value: typeof value === 'string' ? value : null, count: input.f64() };
}
