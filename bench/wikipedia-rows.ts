// The rows of the ingest benchmarks (performance.md 1): wikipedia-like JSON of about 355 bytes with 16 fields: 12 string
// dimensions of power-law values, 3 longs and an ISO time; 1.1 % with escaped quotes, 4 % with UTF-8. From a seed, so
// that every process of a run makes the same bytes. Fed by parameters; feeds record sets and the producer.

import { createHash } from 'node:crypto';

/** Which rows. */
export interface RowsOptions {
  readonly seed: number;
  readonly rows: number;
  /** Distinct pages (those with quotes come on top) and languages; default 48,000 and 20. */
  readonly pages?: number;
  readonly languages?: number;
}

/** The 12 string dimensions, in the order of the rows' keys. */
export const DIMENSIONS: readonly string[] = [
  'page',
  'user',
  'city',
  'region',
  'country',
  'language',
  'namespace',
  'continent',
  'robot',
  'anonymous',
  'minor',
  'newPage',
];

/** Five of them that roll up at minute grain. */
export const FEW_DIMENSIONS: readonly string[] = [
  'language',
  'namespace',
  'continent',
  'robot',
  'newPage',
];

/** The summed fields. */
export const SUMS: readonly string[] = ['added', 'deleted', 'delta'];

/** Event time of the first row; the rows of a run cover ten minutes. */
export const START_MS: number = Date.UTC(2024, 0, 1);
const SPAN_MS = 600_000;

/** Makes rows one by one, as JSON text. */
function* wikipediaRows(options: RowsOptions): Generator<string> {
  const random = randomOf(options.seed);
  const pick = (n: number): number => Math.floor(random() ** 3 * n);
  const { pages = 48_000, languages = 20 } = options;
  const flag = (share: number): string => (random() < share ? 'true' : 'false');
  for (let i = 0; i < options.rows; i++) {
    const kind = random();
    const isEscaped = kind < 0.011;
    const isUtf8 = kind >= 0.011 && kind < 0.051;
    const page = pick(pages);
    const [added, deleted] = [pick(1000), pick(500)];
    yield JSON.stringify({
      timestamp: new Date(
        START_MS + Math.floor((i / options.rows) * SPAN_MS) + pick(20),
      ).toISOString(),
      page: isEscaped ? `The "best" of page ${page}` : `Wikipedia:Article ${page}`,
      user: `user_name_${pick(20_000)}`,
      city: isUtf8 ? `Köln 東京 ${pick(2000)}` : `City name ${pick(2000)}`,
      region: `Region name ${pick(500)}`,
      country: `Country ${pick(120)}`,
      language: `lang-${pick(languages)}`,
      namespace: `Namespace ${pick(10)}`,
      continent: `Continent ${pick(7)}`,
      robot: flag(0.3),
      anonymous: flag(0.2),
      minor: flag(0.4),
      newPage: flag(0.1),
      added,
      deleted,
      delta: added - deleted,
    });
  }
}

/** All rows as one block of bytes with where each begins, and a hash of the bytes. */
export interface RowBlock {
  readonly bytes: Buffer;
  /** rows + 1 positions. */
  readonly starts: Int32Array;
  readonly hash: string;
}

/** The rows of a run in memory; at most 2 GiB of text. */
export function rowBlock(options: RowsOptions): RowBlock {
  const starts = new Int32Array(options.rows + 1);
  const parts: Buffer[] = [];
  let used = 0;
  let i = 0;
  for (const text of wikipediaRows(options)) {
    const part = Buffer.from(text);
    parts.push(part);
    used += part.length;
    starts[++i] = used;
  }
  const bytes = Buffer.concat(parts);
  return { bytes, starts, hash: createHash('sha256').update(bytes).digest('hex').slice(0, 16) };
}

/** xorshift: the same numbers everywhere. */
function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}
