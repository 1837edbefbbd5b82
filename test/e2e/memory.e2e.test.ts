// The memory bound of an ingest worker: a gibibyte suffices for reading, persisting, merging and uploading ten million
// distinct rows with a dimension of two million values. The kernel's high-water mark of the process is what counts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../bench/memory.bench.ts';
import type { Servers } from '../servers/servers.ts';
import { realServers } from './deployment.ts';

const ROWS = Number(process.env['SLUICE_MEMORY_ROWS'] ?? 10_000_000);
const LIMIT_MB = 1024;

describe('memory of an ingest worker', () => {
  let servers: Servers;

  beforeAll(async () => {
    servers = await realServers();
  }, 900_000);

  afterAll(async () => {
    await servers?.stop();
  });

  it('stays below a gibibyte over ten million distinct rows with two million values', async () => {
    const result = await run({ rows: ROWS, values: ROWS / 5, period: 'PT40S', servers });
    console.log(
      `VmHWM ${Math.round(result.peakMb)} MiB, ${result.publishedRows} rows in ${result.segments} segments, ${Math.round(result.seconds)} s\n${result.phases.join('\n')}`,
    );
    expect(result.publishedRows).toBe(ROWS);
    expect(result.peakMb).toBeLessThanOrEqual(LIMIT_MB);
  }, 400_000);
});
