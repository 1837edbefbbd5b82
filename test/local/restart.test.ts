// A worker killed after a persist goes on in the same chunk: its new hydrants must not take the place of those that the
// commit file names (I1). Found by test/e2e/worker-faults; here for certain.

import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { generatedResource } from '../e2e/row-generator.ts';
import { RoleProcess } from '../e2e/role-process.ts';
import { until } from '../e2e/waiting.ts';

const ROWS = 3000;

function rows(from: number): string {
  return Array.from(
    { length: ROWS },
    (_, i) =>
      `${JSON.stringify({ timestamp: '2024-01-01T00:00:00Z', id: `row-${from + i}`, added: 1 })}\n`,
  ).join('');
}

describe('a restart in the middle of a chunk', () => {
  it('keeps the rows of every hydrant, and counts none twice', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-restart-'));
    const input = join(dir, 'rows.ndjson');
    await writeFile(input, rows(0));
    const resource = generatedResource({
      name: 'restart',
      broker: 'x:1',
      topic: 't',
      groups: 1,
      segments: { maxRowsInMemory: 1000 },
    });
    const file = join(dir, 'restart.yaml');
    await writeFile(
      file,
      stringify({
        ...resource,
        spec: { ...(resource['spec'] as object), source: { file: { paths: [input] } } },
      }),
    );
    const local = new RoleProcess(
      'local',
      ['local', '-f', file, '--data', join(dir, 'data'), '--ports', '0,0,0,0'],
      {},
    );
    const distinct = async (): Promise<string> => {
      const port = local.lines.findLast((l) => l.message === 'broker listens')?.['port'];
      const query = {
        queryType: 'timeseries',
        dataSource: 'restart',
        granularity: 'all',
        intervals: '2000/2100',
        aggregations: [
          { type: 'longSum', name: 'n', fieldName: 'count' },
          { type: 'count', name: 'rows' },
        ],
      };
      const answer = await fetch(`http://127.0.0.1:${String(port)}/druid/v2`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(query),
      });
      return JSON.stringify(((await answer.json()) as { result: unknown }[])[0]?.result);
    };
    try {
      for (let round = 0; round < 3; round++) {
        if (round > 0) await appendFile(input, rows(round * ROWS));
        local.start();
        const all = (round + 1) * ROWS;
        await until(`${all} rows are visible`, 30_000, async () =>
          (await distinct()) === `{"n":${all},"rows":${all}}` ? true : undefined,
        );
        await until('they are persisted', 30_000, () => {
          const persists = local.lines.filter(
            (l) => l.message === 'persisted' && Number(l['rows']) > 0,
          );
          return Promise.resolve(persists.length > round ? true : undefined);
        });
        await local.kill();
      }
      local.start();
      await until('the rows are back', 30_000, async () =>
        (await distinct()) === `{"n":${3 * ROWS},"rows":${3 * ROWS}}` ? true : undefined,
      );
      await local.stop();
      const published = local.lines.findLast((l) => l.message === 'published');
      // Rolled up by id, so a row counted twice would be one stored row less than counted.
      expect(published?.['rows']).toBe(3 * ROWS);
    } finally {
      await local.kill();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
