// Queries side by side: Druid's engine in process and ours, over the same segment of ours, from query text to answer
// text, one thread each, no cache of results. Rounds of both alternate, constants change every round, both answers of a
// round are compared. Warm: the segment is open and was read before. Cold: it is opened within the time and no block of
// it is decoded; the operating system may hold its pages. Code is compiled in both cases, and both engines unpack into
// memory they used before: Druid into its pooled buffers, ours into that of segments closed before in the same cache.
//
// Rows/s are what is asked for, so times on the clock are judged. Processor times are printed: Druid's are of its query
// thread, without collector and compiler, ours of the whole process, so the two are not alike.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Oracle, openOracle, oracleMissing } from '../test/druid/oracle.ts';
import { answerQuery, parseQueryText, UNLIMITED } from '../worker/query/query.ts';
import { BlockCache } from '../worker/segment/block-cache.ts';
import { openSegment, type SegmentView } from '../worker/segment/reader.ts';
import type { BenchParams } from './params.ts';
import { QUERY_KINDS, type QueryKind } from './query-kinds.ts';
import { makeSegment } from './query-segment.ts';
import { medianOf } from './report.ts';

/** Settings a person would give Druid's process for this: room, the parallel collector, the full compiler. */
const DRUID_JVM = '-Xmx4g -XX:+UseParallelGC';
const CACHE_BYTES = 1024 * 1024 * 1024;
/** Druid's compiler is done with a query after about this many; ours is sooner. */
const WARM_UP = 15;
/** The same for what only cold queries run: opening, and reading blocks that are not decoded. */
const COLD_WARM_UP = 8;

/** One answer and what it took, ms: on the clock, and of processors. */
interface Timed {
  readonly ms: number;
  readonly cpuMs: number;
  readonly answer: unknown;
}

/** Medians over the rounds, ms. */
interface Times {
  readonly ms: number;
  readonly cpuMs: number;
}

/** A measured query kind. */
export interface QueryResult {
  readonly name: string;
  readonly state: 'warm' | 'cold';
  readonly floor: number;
  readonly ours: Times;
  /** Absent without Java and Maven. */
  readonly druid: Times | undefined;
  /** Medians over the rounds of Druid's time to ours: on the clock, and of processors. */
  readonly ratio: Times | undefined;
  readonly answerBytes: number;
  /** Answers that were compared with Druid's. */
  readonly compared: number;
}

/** What a run came to. */
export interface QueryReport {
  readonly rows: number;
  /** Distinct values of the grouped dimensions. */
  readonly values: Readonly<Record<string, number>>;
  readonly results: readonly QueryResult[];
}

/** Both engines over one segment. */
class Engines {
  readonly #dir: string;
  readonly #oracle: Oracle | undefined;
  /** One for all segments, as in a historical. */
  readonly #cache: BlockCache;
  readonly view: SegmentView;

  private constructor(
    dir: string,
    oracle: Oracle | undefined,
    cache: BlockCache,
    view: SegmentView,
  ) {
    this.#dir = dir;
    this.#oracle = oracle;
    this.#cache = cache;
    this.view = view;
  }

  static async open(dir: string): Promise<Engines> {
    const oracle =
      (await oracleMissing()) === undefined ? await openOracle({ jvm: DRUID_JVM }) : undefined;
    const cache = new BlockCache(CACHE_BYTES);
    return new Engines(dir, oracle, cache, await openSegment(dir, 'bench', { cache }));
  }

  /** Processor time of ours is that of the process, collector and compiler included; Druid's is its thread's. */
  async ours(text: string, isCold: boolean): Promise<Timed & { readonly bytes: number }> {
    const before = process.cpuUsage();
    const begunMs = performance.now();
    const view = isCold ? await openSegment(this.#dir, 'bench', { cache: this.#cache }) : this.view;
    const query = parseQueryText(text);
    const pieces = [{ view, intervals: query.intervals }];
    const answer = [...answerQuery(query, pieces, UNLIMITED)].join('');
    const ms = performance.now() - begunMs;
    const { user, system } = process.cpuUsage(before);
    if (isCold) view.close();
    return {
      ms,
      cpuMs: (user + system) / 1000,
      answer: JSON.parse(answer) as unknown,
      bytes: answer.length,
    };
  }

  async druid(text: string, isCold: boolean): Promise<Timed | undefined> {
    if (this.#oracle === undefined) return undefined;
    const words = ['timequery', this.#dir, text, isCold ? 'cold' : 'warm'];
    const { exit, out } = await this.#oracle.run(words);
    if (exit !== 0) throw new Error(`Druid did not answer ${text}: ${out}`);
    return JSON.parse(out) as Timed;
  }

  async close(): Promise<void> {
    this.view.close();
    await this.#oracle?.close();
  }
}

/** The segment's name in a scan differs between the two. */
function comparable(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer;
  return answer.map((element: unknown) =>
    typeof element === 'object' && element !== null && 'segmentId' in element
      ? { ...element, segmentId: null }
      : element,
  );
}

function mediansOf(times: readonly Times[]): Times {
  return {
    ms: medianOf(times.map(({ ms }) => ms)),
    cpuMs: medianOf(times.map(({ cpuMs }) => cpuMs)),
  };
}

async function measure(
  engines: Engines,
  kind: QueryKind,
  plan: { readonly isCold: boolean; readonly first: number; readonly rounds: number },
): Promise<QueryResult> {
  const { isCold, first, rounds } = plan;
  const ours: Times[] = [];
  const druid: Times[] = [];
  let answerBytes = 0;
  for (let round = 0; round < rounds; round++) {
    const text = JSON.stringify(kind.body(first + round));
    const theirsFirst = round % 2 === 0 ? await engines.druid(text, isCold) : undefined;
    const mine = await engines.ours(text, isCold);
    const theirs = theirsFirst ?? (await engines.druid(text, isCold));
    ours.push(mine);
    answerBytes = mine.bytes;
    if (theirs === undefined) continue;
    druid.push(theirs);
    if (!isDeepStrictEqual(comparable(mine.answer), comparable(theirs.answer)))
      throw new Error(`the answers to ${text} differ`);
  }
  const ratios = druid.map(({ ms, cpuMs }, i) => ({
    ms: ms / (ours[i]?.ms ?? Number.NaN),
    cpuMs: cpuMs / (ours[i]?.cpuMs ?? Number.NaN),
  }));
  return {
    name: kind.name,
    state: isCold ? 'cold' : 'warm',
    floor: kind.floor,
    ours: mediansOf(ours),
    druid: druid.length === 0 ? undefined : mediansOf(druid),
    ratio: druid.length === 0 ? undefined : mediansOf(ratios),
    answerBytes,
    compared: druid.length,
  };
}

function distinct(view: SegmentView): Record<string, number> {
  const names = ['language', 'namespace', 'user', 'page'];
  return Object.fromEntries(
    names.map((name) => {
      const column = view.column(name);
      return [name, column?.kind === 'string' ? column.dictionary.size : 0];
    }),
  );
}

async function compareEngines(
  dir: string,
  { rounds, warmUp = WARM_UP, kinds = QUERY_KINDS }: QueryBenchParams,
): Promise<QueryReport> {
  const engines = await Engines.open(dir);
  try {
    // All kinds are warmed up before any is measured: code that has seen one kind only is faster than in a server.
    for (const kind of kinds)
      await measure(engines, kind, { isCold: false, first: 0, rounds: warmUp });
    const results: QueryResult[] = [];
    // All warm ones first: closing segments leaves work to the collector, which must not be counted against them.
    for (const kind of kinds)
      results.push(await measure(engines, kind, { isCold: false, first: warmUp, rounds }));
    const first = warmUp + rounds;
    const coldWarmUp = Math.min(warmUp, COLD_WARM_UP);
    for (const kind of kinds)
      await measure(engines, kind, { isCold: true, first, rounds: coldWarmUp });
    for (const kind of kinds)
      results.push(
        await measure(engines, kind, { isCold: true, first: first + coldWarmUp, rounds }),
      );
    return { rows: engines.view.rows, values: distinct(engines.view), results };
  } finally {
    await engines.close();
  }
}

/** Size of a run, and what may be left out while looking for one thing. */
interface QueryBenchParams extends BenchParams {
  /** Rounds of every kind before the first that counts. */
  readonly warmUp?: number;
  readonly kinds?: readonly QueryKind[];
  /** A segment made before, instead of a new one. */
  readonly dir?: string;
}

/** Builds the segment, then asks both engines every kind. @throws Error when an answer differs from Druid's */
export async function run(params: QueryBenchParams): Promise<QueryReport> {
  if (params.dir !== undefined) return compareEngines(params.dir, params);
  const root = mkdtempSync(join(tmpdir(), 'bench-query-'));
  try {
    return await compareEngines(await makeSegment(root, params), params);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Prints a line a query and state, and one a state; true when every ratio on the clock is what is asked for. */
export function printQueries({ rows, values, results }: QueryReport): boolean {
  console.log(`benchmark query rows=${rows} node=${process.version} druid jvm ${DRUID_JVM}`);
  console.log(`note distinct values ${JSON.stringify(values)}; answers of both engines compared`);
  const isMet = ({ ratio, floor }: QueryResult): boolean =>
    ratio === undefined || ratio.ms >= floor;
  for (const result of results) {
    const { name, state, floor, ours, druid, ratio } = result;
    const speed = ({ ms, cpuMs }: Times): string =>
      `${ms.toFixed(2)} ms, CPU ${cpuMs.toFixed(2)} ms, ${(rows / ms / 1000).toFixed(1)} M rows/s`;
    const verdict = ratio === undefined ? 'ALONE' : isMet(result) ? 'PASS' : 'FAIL';
    console.log(
      `${verdict} ${name} ${state}: ${speed(ours)}; Druid ${druid === undefined ? '-' : speed(druid)}; ` +
        `ratio ${ratio?.ms.toFixed(2) ?? '-'} CPU ${ratio?.cpuMs.toFixed(2) ?? '-'} floor ${floor}`,
    );
  }
  for (const state of ['warm', 'cold']) {
    const own = results.filter((result) => result.state === state);
    const met = own.filter(isMet).length;
    const verdict = met === own.length ? 'PASS' : 'FAIL';
    console.log(`${verdict} ${state}: ${met} of ${own.length} at or above their floors`);
  }
  console.log(JSON.stringify({ benchmark: 'query', rows, values, results }));
  return results.every(isMet);
}
