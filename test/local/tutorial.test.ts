// The tutorial as a new user meets it: `sluice local` on the example, the curl line it prints, Ctrl-C, a second start,
// and deletion. Real command line, no server.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../cli/main.ts';
import { RoleProcess } from '../e2e/role-process.ts';
import { until } from '../e2e/waiting.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const BOUNDARY = { queryType: 'timeBoundary', dataSource: 'wikipedia' };
const COUNT = {
  queryType: 'timeseries',
  dataSource: 'wikipedia',
  granularity: 'all',
  intervals: '2013/2014',
  aggregations: [{ type: 'longSum', name: 'n', fieldName: 'count' }],
};
const SEGMENTS = [['wikipedia_2013-08-31T00:00:00.000Z_2013-09-01T00:00:00.000Z', 5]];
const ANSWER = `[ {
  "timestamp" : "2013-08-31T01:02:33.000Z",
  "result" : {
    "minTime" : "2013-08-31T01:02:33.000Z",
    "maxTime" : "2013-08-31T12:41:27.000Z"
  }
} ]`;

describe('sluice local', () => {
  let dir: string;
  let local: RoleProcess;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-local-'));
    await cp(EXAMPLES, join(dir, 'examples'), { recursive: true });
    local = new RoleProcess(
      'local',
      [
        'local',
        '-f',
        join(dir, 'examples/wikipedia.yaml'),
        '--data',
        join(dir, 'data'),
        '--ports',
        '0,0,0,0',
      ],
      {},
    );
  });

  afterEach(async () => {
    await local.kill();
    await rm(dir, { recursive: true, force: true });
  });

  function port(role: string): string {
    return String(local.lines.findLast((l) => l.message === `${role} listens`)?.['port']);
  }

  async function ask(role: string, query: unknown): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${port(role)}/druid/v2/?pretty`, {
      method: 'POST',
      headers: { 'Content-type': 'application/json' },
      body: JSON.stringify(query),
    });
    return response.text();
  }

  /** The segments a role counts rows in, one by one, and the rows. */
  async function segments(role: string): Promise<[string, number | undefined][]> {
    const answer = await ask(role, { ...COUNT, context: { bySegment: true } });
    const elements = JSON.parse(answer) as {
      result: { segment: string; results: { result: { n: number } }[] };
    }[];
    return elements.map(({ result }) => [
      result.segment.replace(/_\d{4}-[^_]+$/, ''),
      result.results[0]?.result.n,
    ]);
  }

  it("answers from worker and broker, announces Druid's id, publishes on Ctrl-C, serves from the historical after", async () => {
    const startedMs = performance.now();
    local.start();
    await until('the worker answers', 20_000, async () =>
      (await ask('ingest worker', BOUNDARY)) === ANSWER ? true : undefined,
    );
    expect(await ask('broker', BOUNDARY)).toBe(ANSWER);
    expect(await segments('ingest worker')).toEqual(SEGMENTS);
    expect(await segments('broker')).toEqual(SEGMENTS);
    console.log(`first answer after ${Math.round(performance.now() - startedMs)} ms`);
    const announced = local.lines.filter((l) =>
      /^announced wikipedia_2013-08-31T00:00:00\.000Z_2013-09-01T00:00:00\.000Z_\d{4}-/.test(
        l.message,
      ),
    );
    expect(announced).toHaveLength(1);
    expect(await local.stop()).toBe(0);
    expect(local.lines.some((l) => l.message === 'published')).toBe(true);

    local.start();
    await until('the historical serves it', 20_000, async () =>
      (await ask('historical', BOUNDARY)) === ANSWER ? true : undefined,
    );
    const [all] = JSON.parse(await ask('broker', COUNT)) as { result: { n: number } }[];
    expect(all?.result.n).toBe(5);
    expect(await segments('historical')).toEqual(SEGMENTS);
    expect(await segments('broker')).toEqual(SEGMENTS);
    expect(await local.stop()).toBe(0);
  });

  it('goes on after kill -9 without reading rows twice', async () => {
    local.start();
    await until('the worker answers', 20_000, async () =>
      (await ask('ingest worker', BOUNDARY)) === ANSWER ? true : undefined,
    );
    await local.kill();
    local.start();
    await until('the rows are back', 20_000, async () =>
      (await ask('broker', BOUNDARY)) === ANSWER ? true : undefined,
    );
    const [all] = JSON.parse(await ask('broker', COUNT)) as { result: { n: number } }[];
    expect(all?.result.n).toBe(5);
  });

  it('keeps or purges state by deletionPolicy', async () => {
    const resource = join(dir, 'examples/wikipedia.yaml');
    local.start();
    await until('the worker answers', 20_000, async () =>
      (await ask('ingest worker', BOUNDARY)) === ANSWER ? true : undefined,
    );
    await local.stop();
    expect(await main(['delete', '-f', resource, '--data', join(dir, 'data')])).toBe(0);
    local.start();
    await until('Retain kept the rows', 20_000, async () =>
      (await ask('broker', BOUNDARY)) === ANSWER ? true : undefined,
    );
    await local.stop();
    await writeFile(
      resource,
      (await readFile(resource, 'utf8')).replace(
        '  dataSource: wikipedia',
        '  deletionPolicy: Purge\n  dataSource: wikipedia',
      ),
    );
    expect(await main(['delete', '-f', resource, '--data', join(dir, 'data')])).toBe(0);
    local.start();
    await local.waitFor((l) => l.message.startsWith('announced wikipedia_'), 20_000);
    await until('the rows are read anew and count once', 20_000, async () => {
      const [all] = JSON.parse(await ask('broker', COUNT)) as { result: { n: number | null } }[];
      return all?.result.n === 5 ? true : undefined;
    });
  });
});
