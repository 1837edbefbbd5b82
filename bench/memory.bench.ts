// How much memory one ingest worker needs at most while it reads, persists, merges and uploads distinct rows with a
// dimension of very many values (ten million rows, two million values in the full run). A real worker process on real
// servers; what is measured is the kernel's own high-water mark of its resident memory.

import { readFile } from 'node:fs/promises';
import { deploy, type Deployment } from '../test/e2e/deployment.ts';
import type { LogLine } from '../test/e2e/role-process.ts';
import { publishedSegments } from '../test/e2e/stored-segments.ts';
import { until } from '../test/e2e/waiting.ts';
import type { Servers } from '../test/servers/servers.ts';
import { openRawProducer } from './raw-producer.ts';
import { recordBatch } from './record-batches.ts';

/** The run. */
export interface MemoryParams {
  readonly rows: number;
  /** Distinct values of the one dimension; at most `rows`. */
  readonly values: number;
  /** How long a sequence stays open when it is not full. */
  readonly period: string;
  readonly servers: Servers;
}

/** What a worker needed. */
export interface MemoryResult {
  /** Rows in published segments, and the sum of their count metric's source rows. */
  readonly publishedRows: number;
  readonly segments: number;
  readonly peakMb: number;
  readonly seconds: number;
  /** Highest resident memory seen since each line of the worker's log, MiB; a peak between two samples is not in it. */
  readonly phases: readonly string[];
}

const NAME = 'memory';
const START_MS = Date.UTC(2024, 0, 1);
/** Stays below the broker's largest batch, 1 MiB. */
const BATCH_ROWS = 15_000;
const SAMPLE_MS = 100;
/** Coprime to two million, so that neighbours differ and every value comes up. */
const VALUE_STEP = 7919;

/** Sends the rows, waits until all are published, and reads the worker's high-water mark. */
export async function run(params: MemoryParams): Promise<MemoryResult> {
  const deployment = await deploy({
    name: NAME,
    partitions: 1,
    groups: 1,
    servers: params.servers,
    segments: { period: params.period },
    lateness: { policy: 'none' },
    schema: {
      format: { type: 'json' },
      timestamp: { column: 't', format: 'millis' },
      dimensions: [{ name: 'd' }],
      metrics: [
        { type: 'count', name: 'count' },
        { type: 'longSum', name: 'n', fieldName: 'n' },
      ],
      queryGranularity: 'none',
      segmentGranularity: 'day',
    },
  });
  try {
    return await measure(deployment, params);
  } finally {
    await deployment.close();
  }
}

async function measure(deployment: Deployment, params: MemoryParams): Promise<MemoryResult> {
  const [worker] = deployment.workers;
  if (worker === undefined) throw new Error('no worker');
  // They would only take processor time from the one that is measured.
  await Promise.all([deployment.historical.kill(), deployment.broker.kill()]);
  await worker.waitFor((line) => line.message === 'ingest worker listens', 60_000);
  const begunMs = performance.now();
  const phases = new Map<LogLine, number>();
  const sampling = setInterval(
    () => void sample(worker.pid, worker.lines.at(-1), phases),
    SAMPLE_MS,
  );
  try {
    await produce(deployment, params);
    const segments = await until('every row is published', 300_000, async () => {
      const published = await publishedSegments(deployment);
      return rowsOf(published) >= params.rows ? published : undefined;
    });
    return {
      publishedRows: rowsOf(segments),
      segments: segments.length,
      peakMb: (await statusKb(worker.pid, 'VmHWM')) / 1024,
      seconds: (performance.now() - begunMs) / 1000,
      phases: phasesOf(phases),
    };
  } catch (error) {
    throw new Error(
      `${worker.isRunning ? 'the worker runs' : 'the worker has ended'}:\n${worker.tail(40)}\n${phasesOf(phases).join('\n')}`,
      { cause: error },
    );
  } finally {
    clearInterval(sampling);
  }
}

function phasesOf(phases: ReadonlyMap<LogLine, number>): readonly string[] {
  return [...phases].map(([line, kb]) => `${Math.round(kb / 1024)} MiB since '${line.message}'`);
}

function rowsOf(segments: Awaited<ReturnType<typeof publishedSegments>>): number {
  return segments.reduce((sum, segment) => sum + segment.sluice.rows, 0);
}

async function sample(
  pid: number,
  line: LogLine | undefined,
  phases: Map<LogLine, number>,
): Promise<void> {
  if (line === undefined) return;
  const kb = await statusKb(pid, 'VmRSS').catch(() => 0);
  phases.set(line, Math.max(phases.get(line) ?? 0, kb));
}

/** A field of /proc/PID/status, KiB. */
async function statusKb(pid: number, field: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const kb = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  if (kb === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(kb);
}

async function produce(deployment: Deployment, params: MemoryParams): Promise<void> {
  const producer = await openRawProducer(
    deployment.servers.get('kafka').endpoint.url,
    deployment.topic,
  );
  try {
    for (let first = 0; first < params.rows; first += BATCH_ROWS) {
      const count = Math.min(BATCH_ROWS, params.rows - first);
      let text = '';
      const starts = new Int32Array(count + 1);
      for (let i = 0; i < count; i++) {
        const row = first + i;
        text += `{"t":${START_MS + row},"d":"value ${(row * VALUE_STEP) % params.values}","n":${row % 10}}`;
        starts[i + 1] = text.length;
      }
      // Kafka removes what its timestamp makes older than the retention.
      const at = { baseOffset: 0, timestampMs: Date.now() };
      await producer.send(0, recordBatch({ bytes: Buffer.from(text), starts }, 0, count, at));
    }
  } finally {
    await producer.close();
  }
}
