import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GoldenSegments, goldenLines, openGolden } from '../../test/druid/golden.ts';
import { dumpSegment } from '../../worker/segment/dump.ts';

// `sluice segment ...` as a user runs it, over rows of which Druid built a segment and answered queries.

const SLUICE = fileURLToPath(new URL('../sluice.mjs', import.meta.url));
const GOLDEN = fileURLToPath(new URL('../../test/druid/golden/', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'sluice-segment-'));
let golden: GoldenSegments;

beforeAll(async () => {
  golden = await openGolden();
});
afterAll(() => {
  golden.close();
  rmSync(root, { recursive: true, force: true });
});

interface Run {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

function sluice(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    const command = [SLUICE, 'segment', ...args];
    execFile(process.execPath, command, { maxBuffer: 1 << 28 }, (error, out, err) => {
      resolve({ exit: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

function write(name: string, content: string | Uint8Array): string {
  const path = join(root, name);
  writeFileSync(path, content);
  return path;
}

/** Rows of a segment in one order. */
async function rowsOf(dir: string): Promise<string[]> {
  const rows: string[] = [];
  for await (const line of dumpSegment(dir, { rows: true })) rows.push(line);
  return rows.slice(1).map((line) => {
    const row = JSON.parse(line) as Record<string, unknown>;
    return JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** What DataSegment calls size. */
function sizeOf(dir: string): number {
  return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}

const BUILDS: readonly (readonly [string, string, string])[] = [
  ['tutorial', '', 'segment-0'],
  ['edge_single', '', 'segment-0'],
  ['edge_nulls', '', 'segment-0'],
  ['edge_blocks', '', 'segment-0'],
  ['encodings', '-roaring-lz4', 'segment-roaring-lz4'],
  ['encodings', '-zstd', 'segment-zstd'],
  ['flights', '-0', 'segment-0'],
  ['flights', '-1', 'segment-1'],
  ['rollup', '-0', 'segment-0'],
  ['rollup', '-1', 'segment-1'],
  ['wiki', '-1', 'segment-1'],
  ['wiki_raw', '', 'segment-0'],
];

describe('build, dump, validate', () => {
  test.each(BUILDS)('rows of %s%s are those of Druid', async (set, part, segment) => {
    const spec = join(GOLDEN, set, `spec${part}.json`);
    const input = join(GOLDEN, set, set === 'rollup' ? `rows${part}.ndjson.gz` : 'rows.ndjson.gz');
    const out = join(root, `${set}${part}`);
    const built = await sluice('build', '--spec', spec, '--input', input, '--out', out);
    expect(built.exit, built.err).toBe(0);
    const report = JSON.parse(built.out) as { rows: number; hydrants: number; sizeBytes: number };
    const druids = golden.segments.find((s) => s.set === set && s.name === segment);
    const expected = await rowsOf(druids?.dir ?? '');
    expect(expected.length).toBeGreaterThan(0);
    expect(report.rows).toBe(expected.length);
    expect(report.hydrants > 1).toBe(set === 'rollup');
    const dump = await sluice('dump', '--rows', out);
    expect(dump.exit).toBe(0);
    expect(dump.out.trimEnd().split('\n')).toHaveLength(1 + report.rows);
    expect((await rowsOf(out)).toSorted()).toEqual(expected.toSorted());
    const druidBytes = sizeOf(druids?.dir ?? '');
    console.log(`${set}${part}: ${report.sizeBytes} bytes, Druid's ${druidBytes}`);
    // Packed by other searches, a column may take a few bytes more or less.
    expect(report.sizeBytes).toBeLessThanOrEqual(1.002 * druidBytes);
    const verdict = await sluice('validate', out);
    expect(verdict).toMatchObject({ exit: 0, out: `{"ok":true,"rows":${report.rows}}\n` });
  });

  test('a resource, a supervisor spec and a flat spec build the same bytes', async () => {
    const flat = join(GOLDEN, 'tutorial', 'spec.json');
    const {
      queryGranularity: _q,
      rollup: _r,
      interval,
      ...dataSchema
    } = JSON.parse(readFileSync(flat, 'utf8')) as Record<string, unknown>;
    const granularitySpec = {
      type: 'uniform',
      segmentGranularity: 'DAY',
      queryGranularity: { type: 'none' },
      rollup: true,
      intervals: [interval],
    };
    const supervisor = write(
      'supervisor.json',
      JSON.stringify({
        type: 'kafka',
        spec: {
          dataSchema: { ...dataSchema, granularitySpec },
          ioConfig: { topic: 'wikipedia', inputFormat: { type: 'json' } },
          tuningConfig: { type: 'kafka', maxRowsInMemory: 2 },
        },
      }),
    );
    const rows = join(EXAMPLES, 'wikipedia.ndjson');
    const dumps: string[] = [];
    const hydrants: number[] = [];
    for (const [i, spec] of [flat, supervisor, join(EXAMPLES, 'wikipedia.yaml')].entries()) {
      const out = join(root, `same-${i}`);
      const built = await sluice('build', '--spec', spec, '--input', rows, '--out', out);
      expect(built.exit, built.err).toBe(0);
      hydrants.push((JSON.parse(built.out) as { hydrants: number }).hydrants);
      dumps.push((await sluice('dump', '--rows', out)).out);
    }
    expect(hydrants).toEqual([1, 3, 1]);
    expect(dumps[0]).toContain('"page":"Striker Eureka"');
    expect(new Set(dumps).size).toBe(1);
  });

  test('a broken segment is named with its defect', async () => {
    const tiny = golden.segments.find((s) => s.set === 'tiny')?.dir ?? '';
    const path = join(tiny, '00000.smoosh');
    const sound = readFileSync(path);
    const at = sound.indexOf(Buffer.from('3a3000000100000000000000100000000300', 'hex'));
    const wrong = Buffer.from(sound);
    wrong[at + 16] = 2;
    writeFileSync(path, wrong);
    const { exit, out } = await sluice('validate', tiny);
    writeFileSync(path, sound);
    expect(exit).toBe(1);
    expect(out).toMatch(/"defect":"column 'd': .*bitmap of entry 3/);
    expect(await sluice('validate', join(root, 'nowhere'))).toMatchObject({ exit: 1 });
  });
});

const FLAT = {
  dataSource: 'x',
  timestampSpec: { column: 't', format: 'millis' },
  dimensionsSpec: { dimensions: ['d'] },
  metricsSpec: [{ type: 'count', name: 'count' }],
  interval: '2024-01-01/2024-01-02',
};
const JANUARY_1 = Date.parse('2024-01-01T12:00:00Z');

describe('wrong input', () => {
  test('bad rows are counted, sampled and leave the good ones alone', async () => {
    const good = (d: string): string => `{"t":${JANUARY_1},"d":"${d}"}`;
    const huge = `{"t":${JANUARY_1},"d":"${'x'.repeat(10 << 20)}"}`;
    const deep = `{"t":${JANUARY_1},"d":${'['.repeat(1000)}${']'.repeat(1000)}}`;
    const lines = [good('a'), '{"t":', '[]', '{"d":"no time"}', huge, deep, '', good('b')];
    const late = `{"t":${JANUARY_1 + 86_400_000},"d":"outside"}`;
    const rows = write('bad.ndjson.gz', gzipSync([...lines, late, good('a')].join('\r\n')));
    const spec = write('flat.json', JSON.stringify(FLAT));
    const out = join(root, 'bad');
    const run = await sluice('build', '--spec', spec, '--input', rows, '--out', out);
    expect(JSON.parse(run.out)).toMatchObject({
      rows: 2,
      records: {
        processed: 3,
        'unparseable/malformed': 1,
        'unparseable/notAnObject': 1,
        'unparseable/timestampMissing': 1,
        'unparseable/tooLarge': 1,
        'unparseable/tooDeep': 1,
        'thrownAway/outsideInterval': 1,
      },
    });
    expect(run.err.trimEnd().split('\n')).toHaveLength(5);
    expect(await rowsOf(out)).toEqual([
      expect.stringContaining('["count",2],["d","a"]'),
      expect.stringContaining('["count",1],["d","b"]'),
    ]);
    const again = await sluice('build', '--spec', spec, '--input', rows, '--out', out);
    expect(again.err).toMatch(/OutputNotEmpty: --out .*: holds 4 files/);
    expect(again.exit).toBe(1);
  });

  test('no rows, a cut-off file, rows of two chunks', async () => {
    const spec = write('one.json', JSON.stringify(FLAT));
    const out = join(root, 'none');
    const build = (input: string, from = spec): Promise<Run> =>
      sluice('build', '--spec', from, '--input', input, '--out', out);
    expect(await build(write('empty.ndjson', ''))).toMatchObject({ exit: 1 });
    const rows = Array.from({ length: 500 }, (_, i) => `{"t":${JANUARY_1 + i},"d":"${i}"}`);
    const zipped = gzipSync(rows.join('\n'));
    const cut = await build(write('cut.ndjson.gz', zipped.subarray(0, zipped.length >> 1)));
    expect(cut.err).toMatch(/FileBroken: --input .*cut off or damaged/);
    expect((await build(join(root, 'missing.ndjson'))).err).toMatch(/FileUnreadable: --input/);
    const { interval: _interval, ...open } = FLAT;
    const twoDays = write('two.ndjson', `{"t":${JANUARY_1}}\n{"t":${JANUARY_1 + 86_400_000}}\n`);
    const two = await build(twoDays, write('open.json', JSON.stringify(open)));
    expect(two.err).toMatch(/RowOutsideChunk: .*2024-01-02T12:00:00.000Z.*--interval/);
  });

  test('wrong use', async () => {
    expect(await sluice('build', '--spec', 'x')).toMatchObject({ exit: 2, out: '' });
    expect(await sluice('dump')).toMatchObject({ exit: 2 });
    expect(await sluice('nothing')).toMatchObject({ exit: 2 });
  });
});

interface GoldenQuery {
  readonly name: string;
  readonly query: unknown;
  readonly result: unknown;
}

function goldenQueries(set: string, file: string): GoldenQuery[] {
  const bytes = readFileSync(join(GOLDEN, set, file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return (JSON.parse(text) as { queries: GoldenQuery[] }).queries;
}

describe('query', () => {
  test.each([
    ['tutorial', 'queries.json', ['tutorial'], 100],
    ['flights', 'queries.json.gz', ['flights-0', 'flights-1'], 100],
    ['edge_blocks', 'queries.json', ['edge_blocks'], 60],
  ])('answers over our %s are those of Druid', async (set, file, parts, atLeast) => {
    const queries = goldenQueries(set, file);
    const asked = write('queries.json', JSON.stringify(queries.map(({ query }) => query)));
    const dirs = parts.map((part) => join(root, part));
    const { out, err } = await sluice('query', ...dirs, '-f', asked);
    const answers = JSON.parse(out || '[]') as unknown[];
    expect(answers.length, err).toBe(queries.length);
    let equal = 0;
    const differing: string[] = [];
    for (const [i, { name, result }] of queries.entries()) {
      const answer = answers[i];
      // Sizes and encodings are told by segmentMetadata; estimates differ in the last digits.
      if (JSON.stringify(sorted(answer)) === JSON.stringify(sorted(result))) equal++;
      else differing.push(name);
    }
    expect(equal, differing.join(', ')).toBeGreaterThanOrEqual(atLeast);
    const unexpected = differing.filter((name) => !/segmentMetadata|cardinality/i.test(name));
    expect(unexpected).toEqual([]);
  });

  test('one query, named queries, and a query that fails', async () => {
    const dir = golden.segments.find((s) => s.set === 'tiny')?.dir ?? '';
    const boundary = { queryType: 'timeBoundary', dataSource: 's71' };
    const one = await sluice('query', dir, '-f', write('one-query.json', JSON.stringify(boundary)));
    expect(one.exit).toBe(0);
    expect(JSON.parse(one.out)).toMatchObject([{ result: { minTime: expect.any(String) } }]);
    const list = [
      { name: 'first', query: boundary },
      { name: 'second', query: { queryType: 'select', dataSource: 's71' } },
    ];
    const both = await sluice('query', dir, '-f', write('list.json', JSON.stringify(list)));
    expect(both.exit).toBe(1);
    expect(JSON.parse(both.out)).toMatchObject([
      { name: 'first', result: JSON.parse(one.out) as unknown },
      { name: 'second', error: { errorMessage: expect.stringContaining('select') } },
    ]);
    const rows = goldenLines('tiny', 'rows.ndjson');
    expect(rows.length).toBe(5);
    const broken = await sluice('query', dir, '-f', write('broken.json', '{"queryType":'));
    expect(broken).toMatchObject({ exit: 1, out: '' });
    expect(broken.err).toMatch(/JsonParseFailed: the queries are not JSON/);
  });
});

/** Object keys have no order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
