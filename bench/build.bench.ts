// Building a segment side by side: Druid's parser, incremental index, persist and merge in process, and ours to the
// finished zip, over the same file of rows and the same spec. Prints rows per CPU second of both, their ratio, and the
// bytes of both segments. Druid's zip is left out of its time.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOracle, oracleMissing } from '../test/druid/oracle.ts';
import type { BenchParams } from './params.ts';
import { medianOf, type Report } from './report.ts';
import { runRounds } from './rounds.ts';
import { DIMENSIONS, rowBlock, SUMS } from './wikipedia-rows.ts';

/** Warm: the first rounds of a Java process compile. */
const DRUID_WARM_UP = 2;
/** Settings a person would give Druid's process for this. */
const DRUID_JVM = '-Xmx4g -XX:+UseParallelGC';

/** The spec in Druid's words; both read it. */
function druidSpec(): object {
  return {
    dataSource: 'bench',
    timestampSpec: { column: 'timestamp', format: 'auto' },
    dimensionsSpec: { dimensions: DIMENSIONS },
    metricsSpec: [
      { type: 'count', name: 'count' },
      ...SUMS.map((name) => ({ type: 'longSum', name, fieldName: name })),
    ],
    queryGranularity: 'MINUTE',
    rollup: true,
    interval: '2024-01-01/2024-01-02',
  };
}

/** What Druid's rounds came to. */
interface DruidRound {
  readonly rowsPerCpuSecond: number;
  readonly segmentBytes: number;
  readonly segmentRows: number;
}

async function druidRounds(rowsFile: string, spec: string, rounds: number): Promise<DruidRound[]> {
  const missing = await oracleMissing();
  if (missing !== undefined) throw new Error(missing);
  const oracle = await openOracle({ jvm: DRUID_JVM });
  try {
    const none = join(rowsFile, '..', 'none.json');
    writeFileSync(none, '[]');
    const words = ['bench', rowsFile, spec, none, String(rounds + DRUID_WARM_UP)];
    const { exit, out } = await oracle.run(words);
    if (exit !== 0) throw new Error(out);
    const { ingestRounds } = JSON.parse(out) as { readonly ingestRounds: DruidRound[] };
    return ingestRounds.slice(DRUID_WARM_UP);
  } finally {
    await oracle.close();
  }
}

/** Runs it. @throws Error without Java and Maven, or when the segments have different numbers of rows */
export async function run(params: BenchParams): Promise<Report> {
  const { seed, rows, rounds } = params;
  const root = mkdtempSync(join(tmpdir(), 'bench-build-'));
  try {
    const block = rowBlock(params);
    const file = { rows: join(root, 'rows.ndjson'), spec: join(root, 'spec.json') };
    writeFileSync(file.rows, linesOf(block.bytes, block.starts));
    writeFileSync(file.spec, JSON.stringify(druidSpec()));
    const druid = await druidRounds(file.rows, file.spec, rounds);
    const caseParams = { seed, rows, dimensions: DIMENSIONS, file };
    const cases = await runRounds(
      [{ name: 'sluice build', case: 'buildFile', params: caseParams }],
      rounds,
    );
    const [ours] = cases;
    const [segmentRows = 0, segmentBytes = 0] = ours?.answer.sums ?? [];
    const druidBytes = druid[0]?.segmentBytes ?? Number.NaN;
    if (druid.some((round) => round.segmentRows !== segmentRows))
      throw new Error(`Druid's segment has ${druid[0]?.segmentRows} rows, ours ${segmentRows}`);
    const druidSpeed = medianOf(druid.map((round) => round.rowsPerCpuSecond));
    return {
      name: 'build',
      seed,
      dataHash: block.hash,
      cases,
      verdicts: [
        {
          goal: 'rows per CPU second to Druid',
          got: 1e9 / (ours?.cpuNs.median ?? Number.NaN) / druidSpeed,
          floor: 4,
        },
        { goal: 'bytes to Druid', got: segmentBytes / druidBytes, floor: 1, isCeiling: true },
      ],
      notes: [
        `Druid in process (${DRUID_JVM}): ${Math.round(druidSpeed)} rows per CPU second, median of ${druid.length} rounds after ${DRUID_WARM_UP} of warm-up, ${druidBytes} bytes, no zip`,
        `ours: ${segmentBytes} bytes, ${segmentRows} rows, finished zip; rows in memory as each has it by default`,
      ],
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function linesOf(bytes: Buffer, starts: Int32Array): Buffer {
  const out = Buffer.alloc(bytes.length + starts.length - 1);
  for (let i = 0; i + 1 < starts.length; i++) {
    const [from = 0, to = 0] = [starts[i], starts[i + 1]];
    bytes.copy(out, from + i, from, to);
    out[to + i] = 10;
  }
  return out;
}
