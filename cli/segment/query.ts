// `sluice segment query`: native queries over segment folders, answered in this process and merged as a broker would.

import { formatSegmentId } from '../../core/model/data-segment.ts';
import { formatInterval, intersect } from '../../core/model/interval.ts';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import {
  answerQuery,
  errorAnswer,
  parseQuery,
  type Query,
  type QueryPiece,
  tablesOf,
  UNLIMITED,
} from '../../worker/query/query.ts';
import { BlockCache } from '../../worker/segment/block-cache.ts';
import { openSegment, type SegmentView } from '../../worker/segment/reader.ts';

const CACHE_BYTES = 64 << 20;

/** Answers, and whether every query had one. */
export interface QueryReport {
  /** JSON text: one answer, or a list of them in the order of the queries. */
  readonly text: string;
  readonly isComplete: boolean;
}

/**
 * Answers `text`: one query (gives its answer, throws when it has none) or a list of queries, or of
 * `{ name, query }` (gives a list of answers, or of `{ name, result }`; where there is none the error body that a
 * server would send, `{ name, error }`).
 *
 * @throws Failure `input` JsonParseFailed, or what the one query fails with; `corrupt` SegmentCorrupt
 */
export async function querySegments(dirs: readonly string[], text: string): Promise<QueryReport> {
  const body = parseExact(text);
  const segments = new SegmentSet(dirs);
  try {
    if (!Array.isArray(body))
      return { text: await segments.answer(parseQuery(body)), isComplete: true };
    const answers: string[] = [];
    let isComplete = true;
    for (const element of body) {
      const { named, query } = unwrap(element);
      try {
        const answer = await segments.answer(parseQuery(query));
        answers.push(named === undefined ? answer : `{"name":${named},"result":${answer}}`);
      } catch (error) {
        isComplete = false;
        const answer = JSON.stringify(errorAnswer(error).body);
        answers.push(named === undefined ? answer : `{"name":${named},"error":${answer}}`);
      }
    }
    return { text: `[${answers.join(',\n')}]`, isComplete };
  } finally {
    segments.close();
  }
}

/** Integers that a double would round become BigInt, as the query parser expects them. */
function parseExact(text: string): unknown {
  const parse: (text: string, reviver: Reviver) => unknown = JSON.parse;
  try {
    return parse(text, (_key, value, context) => {
      if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
      const source = context?.source ?? '';
      return /^-?\d+$/.test(source) ? BigInt(source) : value;
    });
  } catch (error) {
    throw new Failure(
      'input',
      'JsonParseFailed',
      `the queries are not JSON: ${messageOf(error)}`,
      error,
    );
  }
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

function unwrap(element: unknown): { named: string | undefined; query: unknown } {
  if (typeof element === 'object' && element !== null && !('queryType' in element)) {
    const query: unknown = Reflect.get(element, 'query');
    if (query !== undefined)
      return { named: JSON.stringify(Reflect.get(element, 'name') ?? null), query };
  }
  return { named: undefined, query: element };
}

/** The folders as segments of whatever data source a query names: a folder does not say which it is of. */
class SegmentSet {
  readonly #dirs: readonly string[];
  readonly #cache: BlockCache = new BlockCache(CACHE_BYTES);
  readonly #views: Map<string, SegmentView[]> = new Map();

  constructor(dirs: readonly string[]) {
    this.#dirs = dirs;
  }

  async answer(query: Query): Promise<string> {
    const views = await this.#open(nameOf(query));
    const find = ({ intervals: asked }: Query): QueryPiece[] =>
      views
        .map((view): QueryPiece => ({
          view,
          intervals: asked
            .map((interval) => intersect(interval, view.interval))
            .filter((interval) => interval !== undefined),
        }))
        .filter(({ intervals }) => intervals.length > 0);
    return [...answerQuery(query, find, UNLIMITED)].join('');
  }

  close(): void {
    for (const views of this.#views.values()) for (const view of views) view.close();
    this.#views.clear();
  }

  async #open(dataSource: string): Promise<readonly SegmentView[]> {
    const known = this.#views.get(dataSource);
    if (known !== undefined) return known;
    const views: SegmentView[] = [];
    this.#views.set(dataSource, views);
    const partitions = new Map<string, number>();
    for (const dir of this.#dirs) {
      const probe = await openSegment(dir, 'probe', { cache: this.#cache });
      const { interval } = probe;
      probe.close();
      const key = formatInterval(interval);
      const partition = partitions.get(key) ?? 0;
      partitions.set(key, partition + 1);
      const id = formatSegmentId({ dataSource, interval, version: 'v1', partition });
      views.push(await openSegment(dir, id, { cache: this.#cache }));
    }
    return views;
  }
}

/** The data source the folders stand for: the first table that the query reads. */
function nameOf(query: Query): string {
  const [name] = tablesOf(query);
  if (name !== undefined) return name;
  const { dataSource } = query;
  return dataSource.type === 'query' ? nameOf(dataSource.query) : '';
}
