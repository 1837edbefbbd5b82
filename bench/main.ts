// `npm run bench -- <name> [--rows N] [--rounds N] [--seed N]`: runs one benchmark and prints its report. Ends with 1 when a
// goal is missed. Names: parse, persist, build, query, ingest (starts a Kafka of its own), memory
// (starts all servers), operator (an API server as well; --rows is the number of resources).

import { parseArgs } from 'node:util';
import { startServers } from '../test/servers/servers.ts';
import { run as runBuild } from './build.bench.ts';
import { run as runIngest } from './ingest.bench.ts';
import { run as runOperator } from './operator.bench.ts';
import { run as runMemory } from './memory.bench.ts';
import type { BenchParams } from './params.ts';
import { run as runParse } from './parse.bench.ts';
import { run as runPersist } from './persist.bench.ts';
import { printQueries, run as runQueries } from './query.bench.ts';
import { isMet, printReport } from './report.ts';

const MEMORY_LIMIT_MB = 1024;

async function withServers<T>(
  want: Parameters<typeof startServers>[0],
  work: (servers: Awaited<ReturnType<typeof startServers>>) => Promise<T>,
): Promise<T> {
  const servers = await startServers({ own: true, ...want });
  try {
    return await work(servers);
  } finally {
    await servers.stop();
  }
}

async function ingest(params: BenchParams): Promise<boolean> {
  return withServers({ want: ['kafka'] }, async (servers) =>
    printReport(await runIngest(params, servers.get('kafka').endpoint.url)),
  );
}

async function memory({ rows }: BenchParams): Promise<boolean> {
  return withServers({}, async (servers) => {
    const result = await runMemory({ rows, values: Math.ceil(rows / 5), period: 'PT40S', servers });
    console.log(
      `benchmark memory rows=${rows} values=${Math.ceil(rows / 5)} node=${process.version}`,
    );
    console.log(
      `${result.publishedRows} rows in ${result.segments} segments, ${result.seconds.toFixed(0)} s`,
    );
    for (const phase of result.phases) console.log(phase);
    const verdict = {
      goal: 'peak MiB',
      got: result.peakMb,
      floor: MEMORY_LIMIT_MB,
      isCeiling: true,
    };
    console.log(
      `${isMet(verdict) ? 'PASS' : 'FAIL'} goal=peak MiB got=${result.peakMb.toFixed(0)} ceiling=${MEMORY_LIMIT_MB}`,
    );
    console.log(JSON.stringify({ benchmark: 'memory', rows, ...result }));
    return isMet(verdict) && result.publishedRows === rows;
  });
}

async function operator({ rows }: BenchParams): Promise<boolean> {
  return withServers({ want: ['etcd', 's3', 'kafka', 'redis'] }, async (servers) => {
    const { figures, verdicts } = await runOperator({ resources: rows, workers: 10, servers });
    for (const verdict of verdicts)
      console.log(
        `${isMet(verdict) ? 'PASS' : 'FAIL'} goal=${verdict.goal} got=${verdict.got} ceiling=${verdict.floor}`,
      );
    console.log(JSON.stringify({ benchmark: 'operator', ...figures }));
    return verdicts.every(isMet);
  });
}

interface Benchmark {
  /** Rows of a full run. */
  readonly rows: number;
  readonly rounds?: number;
  readonly run: (p: BenchParams) => Promise<boolean>;
}

const ROUNDS = 5;

/** By name. */
const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  parse: { rows: 200_000, run: async (p) => printReport(await runParse(p)) },
  build: { rows: 500_000, run: async (p) => printReport(await runBuild(p)) },
  persist: { rows: 200_000, run: async (p) => printReport(await runPersist(p)) },
  ingest: { rows: 400_000, run: ingest },
  operator: { rows: 1000, run: operator },
  memory: { rows: 10_000_000, run: memory },
  // A query takes milliseconds, in which a collector or a neighbour weighs.
  query: { rows: 5_000_000, rounds: 15, run: async (p) => printQueries(await runQueries(p)) },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string' }, rounds: { type: 'string' }, seed: { type: 'string' } },
});
const benchmark = BENCHMARKS[positionals[0] ?? ''];
if (benchmark === undefined) {
  console.error(
    `usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')} [--rows N] [--rounds N] [--seed N]`,
  );
  process.exit(2);
}
const isGood = await benchmark.run({
  rows: Number(values.rows ?? benchmark.rows),
  rounds: Number(values.rounds ?? benchmark.rounds ?? ROUNDS),
  seed: Number(values.seed ?? 1),
});
process.exit(isGood ? 0 : 1);
