// A golden set as the oracle recorded it: rows, specs, queries and Druid's answers, and the comparison of an answer
// with the recorded one. Used by the tests that ask the golden queries of different sources.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** The folder of the sets. */
export const GOLDEN: string = fileURLToPath(new URL('golden/', import.meta.url));

/** A recorded question. */
export interface GoldenQuery {
  readonly name: string;
  readonly query: unknown;
  readonly result: unknown;
}

/** A recorded set. The segments together are the data source. */
export interface GoldenSet {
  readonly name: string;
  readonly dataSource: string;
  /** File names of the zips. */
  readonly segments: readonly string[];
  readonly queries: readonly GoldenQuery[];
}

/** What a segment of a set was built from, as the oracle reads it. */
export interface GoldenSpec {
  readonly dataSource: string;
  readonly timestampSpec: { readonly column: string; readonly format: string };
  readonly dimensionsSpec: {
    readonly dimensions: readonly (
      | string
      | {
          readonly name: string;
          readonly type: 'string' | 'long' | 'double' | 'float';
          readonly createBitmapIndex?: boolean;
        }
    )[];
  };
  readonly metricsSpec: readonly {
    readonly type: string;
    readonly name: string;
    readonly fieldName?: string;
  }[];
  readonly queryGranularity: string;
  readonly rollup: boolean;
  readonly interval: string;
}

/** Names of the sets that have queries. */
export const GOLDEN_SETS: readonly string[] = readdirSync(GOLDEN).filter((name) => {
  const files = name.endsWith('.md') ? [] : readdirSync(join(GOLDEN, name));
  return files.some((file) => file.startsWith('queries.json'));
});

/** Parses JSON; integers that a double cannot hold become bigint. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    const isLarge =
      typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
    return isLarge && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** A file of a set, unpacked when its name says so. */
function goldenBytes(set: string, file: string): Buffer {
  const bytes = readFileSync(join(GOLDEN, set, file));
  return file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** JSON with bigints as numbers: what {@link parseExactJson} read. */
export function exactJson(value: unknown): string {
  const marked = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? `bigint:${item}` : item,
  );
  return marked.replace(/"bigint:(-?\d+)"/g, '$1');
}

/** Reads a set. */
export function goldenSet(name: string): GoldenSet {
  const file =
    readdirSync(join(GOLDEN, name)).find((entry) => entry.startsWith('queries.json')) ?? '';
  // Fixtures written by the oracle; their shape is its README's.
  const set = parseExactJson(goldenBytes(name, file).toString('utf8')) as Omit<GoldenSet, 'name'>;
  return { ...set, name };
}

/** Spec and rows of the i-th segment of a set. Specs of several intervals share one file of rows. */
export function goldenInput(set: GoldenSet, i: number): { spec: GoldenSpec; rows: Buffer } {
  const files = new Set(readdirSync(join(GOLDEN, set.name)));
  const pick = (...names: string[]): string => names.find((name) => files.has(name)) ?? '';
  const spec = goldenBytes(set.name, pick(`spec-${i}.json`, 'spec.json')).toString('utf8');
  const rows = goldenBytes(set.name, pick(`rows-${i}.ndjson.gz`, 'rows.ndjson.gz'));
  return { spec: JSON.parse(spec) as GoldenSpec, rows };
}

/** True when the answer is an estimate, which may differ in its last digits. */
export function isEstimate(query: unknown): boolean {
  return /"type":"(hyperUnique|cardinality)/.test(
    JSON.stringify(query, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  );
}

/** The first difference, or undefined. `tolerance` is relative. */
export function difference(
  ours: unknown,
  theirs: unknown,
  path: string,
  tolerance: number,
): string | undefined {
  if (typeof ours === 'number' && typeof theirs === 'number') {
    const close = Math.abs(ours - theirs) <= tolerance * Math.abs(theirs);
    return ours === theirs || close ? undefined : `${path}: ${ours}, Druid ${theirs}`;
  }
  if (typeof ours !== 'object' || typeof theirs !== 'object' || ours === null || theirs === null) {
    return ours === theirs ? undefined : `${path}: ${String(ours)}, Druid ${String(theirs)}`;
  }
  const [a, b] = [new Map(Object.entries(ours)), new Map(Object.entries(theirs))];
  if (Array.isArray(ours) && a.size !== b.size)
    return `${path}: ${a.size} elements, Druid ${b.size}`;
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    if (!a.has(key) || !b.has(key))
      return `${path}.${key}: ${a.has(key) ? 'Druid has none' : 'missing'}`;
    const found = difference(a.get(key), b.get(key), `${path}.${key}`, tolerance);
    if (found !== undefined) return found;
  }
  return undefined;
}
