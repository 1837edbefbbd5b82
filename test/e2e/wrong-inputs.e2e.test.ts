// A table of wrong inputs, each on real processes and servers: exit code, HTTP status or condition, the field, value
// and fix in the text, and the good rows around it intact. Invariant I6: bad input never stops the stream and never
// vanishes.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type KafkaProducer, openKafkaProducer } from '../../core/kafka/producer.ts';
import type { Servers } from '../servers/servers.ts';
import { type Deployment, deploy, realServers } from './deployment.ts';
import { generatedResource } from './row-generator.ts';
import { until } from './waiting.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAME = 'wrong';
const run = promisify(execFile);

/** Runs the real command line; never throws for its exit code. */
async function sluice(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; text: string }> {
  const options = { cwd: ROOT, env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 60_000 };
  try {
    const { stdout, stderr } = await run(process.execPath, ['cli/sluice.mjs', ...args], options);
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout + stderr };
  }
}

function row(id: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ timestamp: '2024-01-01T00:00:00Z', id, added: 1, ...more });
}

const nested = `${'['.repeat(1000)}${']'.repeat(1000)}`;

/** Records between two good ones: what becomes of each, and its reason where it is no row. */
const RECORDS: readonly (readonly [
  name: string,
  value: Uint8Array | string | null,
  outcome: string,
])[] = [
  [
    'invalid UTF-8',
    Buffer.concat([
      Buffer.from('{"timestamp":"2024-01-01T00:00:00Z","id":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]),
    'unparseable/invalidUtf8',
  ],
  ['10 MB record', row('big', { comment: 'x'.repeat(10_000_000) }), 'unparseable/tooLarge'],
  [
    '1,000-level nested JSON',
    `{"timestamp":"2024-01-01T00:00:00Z","id":"deep","x":${nested}}`,
    'unparseable/tooDeep',
  ],
  [
    'duplicate keys',
    '{"timestamp":"2024-01-01T00:00:00Z","id":"first","id":"last","added":1}',
    'processed',
  ],
  [
    'number overflow',
    '{"timestamp":"2024-01-01T00:00:00Z","id":"overflow","added":99999999999999999999}',
    'processedWithError/field',
  ],
  ['NaN', '{"timestamp":"2024-01-01T00:00:00Z","id":"nan","added":NaN}', 'unparseable/malformed'],
  ['negative timestamp', '{"timestamp":-1,"id":"negative","added":1}', 'processed'],
  [
    'year-10000 timestamp',
    '{"timestamp":"10000-01-01T00:00:00Z","id":"far","added":1}',
    'unparseable/timestampOutOfRange',
  ],
  ['null record', null, 'thrownAway/null'],
  ['empty record', '', 'unparseable/notAnObject'],
  ['no timestamp', '{"id":"timeless"}', 'unparseable/timestampMissing'],
];

describe('wrong inputs', () => {
  let servers: Servers;
  let deployment: Deployment;
  let producer: KafkaProducer;
  let dir: string;

  beforeAll(async () => {
    servers = await realServers();
    dir = await mkdtemp(join(tmpdir(), 'sluice-wrong-'));
    deployment = await deploy({
      name: NAME,
      partitions: 1,
      groups: 1,
      servers,
      segments: { period: 'PT1H' },
      lateness: { policy: 'none' },
      topicConfig: { 'max.message.bytes': '20000000' },
    });
    producer = await openKafkaProducer({
      bootstrapServers: [servers.get('kafka').endpoint.url],
      clientId: 'wrong',
    });
    await deployment.workers[0]?.waitFor((l) => l.message === 'ingest worker listens', 60_000);
  }, 900_000);

  afterAll(async () => {
    await producer?.close();
    await deployment?.close();
    await servers?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  describe('resources', () => {
    const good = (): Record<string, unknown> =>
      generatedResource({ name: 'w', broker: 'localhost:1', topic: 't', groups: 1, segments: {} });

    it('bad YAML: exit 1, file, line', async () => {
      const file = join(dir, 'bad.yaml');
      await writeFile(file, 'spec:\n  a: [1,\n  b: 2');
      const { code, text } = await sluice(['validate', '-f', file]);
      expect([code, text]).toEqual([
        1,
        expect.stringMatching(/YamlInvalid: .*bad\.yaml: .*line 3/s),
      ]);
    });

    it('unknown field: exit 1, field and fix', async () => {
      const file = join(dir, 'unknown.yaml');
      await writeFile(file, stringify({ ...good(), surprise: 1 }));
      const { code, text } = await sluice(['local', '-f', file]);
      expect([code, text]).toEqual([
        1,
        expect.stringMatching(/surprise: unknown field; remove it/),
      ]);
    });

    it('unknown codec: exit 1, field, value, choices', async () => {
      const file = join(dir, 'codec.yaml');
      await writeFile(
        file,
        stringify(
          generatedResource({
            name: 'w',
            broker: 'localhost:1',
            topic: 't',
            groups: 1,
            segments: { indexSpec: { metricCompression: 'brotli' } },
          }),
        ),
      );
      const { code, text } = await sluice(['validate', '-f', file]);
      expect([code, text]).toEqual([
        1,
        expect.stringMatching(
          /spec\.segments\.indexSpec\.metricCompression: value "brotli": .*lz4/,
        ),
      ]);
    });

    it('missing file: exit 1; no file: exit 2', async () => {
      expect(await sluice(['validate', '-f', '/nowhere.yaml'])).toEqual({
        code: 1,
        text: expect.stringMatching(/FileUnreadable: \/nowhere\.yaml: cannot be read/),
      });
      expect((await sluice(['validate'])).code).toBe(2);
      expect((await sluice(['frobnicate'])).code).toBe(2);
    });
  });

  describe('surroundings', () => {
    it('topic missing: exit 1 of a worker, condition of the operator', async () => {
      const file = join(dir, 'topic.yaml');
      await writeFile(
        file,
        stringify(
          generatedResource({
            name: 'w',
            broker: servers.get('kafka').endpoint.url,
            topic: 'no-such-topic',
            groups: 1,
            segments: {},
          }),
        ),
      );
      const { code, text } = await sluice(
        ['ingest', '-f', file, '--group', 'g0', '--port', '0', '--data', dir],
        deployment.environment,
      );
      expect([code, text]).toEqual([
        1,
        expect.stringMatching(/TopicMissing: .*no-such-topic.*create the topic/),
      ]);
    });

    it('bucket missing: exit 1, name and fix', async () => {
      const { code, text } = await sluice(
        ['ingest', '-f', deployment.resourceFile, '--group', 'g0', '--port', '0', '--data', dir],
        { ...deployment.environment, SLUICE_S3_BUCKET: 'no-such-bucket' },
      );
      expect([code, text]).toEqual([1, expect.stringMatching(/BucketMissing: .*no-such-bucket/)]);
    });

    it('environment missing: exit 1, variable and example', async () => {
      const { code, text } = await sluice(['broker', '--port', '0']);
      expect([code, text]).toEqual([
        1,
        expect.stringMatching(/EnvironmentMissing: SLUICE_ETCD: is not set; set it to http/),
      ]);
    });

    it('etcd unreachable: the condition says so, and rows flow again when it is back', async () => {
      await servers.get('etcd').kill();
      const worker = deployment.workers[0];
      const url = `http://127.0.0.1:${String(worker?.lines.find((l) => l.message === 'ingest worker listens')?.['port'])}/status/ready`;
      await until('the worker is not ready', 30_000, async () =>
        (await fetch(url)).status === 503 ? true : undefined,
      );
      expect(await (await fetch(url)).text()).toMatch(/the owner key is not held/);
      await servers.get('etcd').start();
      await until('the worker is ready', 30_000, async () =>
        (await fetch(url)).status === 200 ? true : undefined,
      );
      await producer.send(deployment.topic, [{ value: row('after-etcd'), partition: 0 }]);
      await seen('after-etcd');
    });

    it('full disk: the condition says so, nothing is lost, and it goes on when there is room', async () => {
      const disk = join(dir, 'disk');
      await mkdir(disk);
      await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
      const input = join(dir, 'rows.ndjson');
      const rows = Array.from({ length: 20_000 }, (_, i) =>
        row(`full-${i}`, { comment: `${i * 7919} some text that does not repeat ${Math.sin(i)}` }),
      );
      await writeFile(input, rows.join('\n'));
      const file = join(dir, 'full.yaml');
      const resource = generatedResource({
        name: 'full',
        broker: 'x:1',
        topic: 't',
        groups: 1,
        segments: { maxRowsInMemory: 5000 },
      });
      await writeFile(
        file,
        stringify({
          ...resource,
          spec: { ...(resource['spec'] as object), source: { file: { paths: [input] } } },
        }),
      );
      const data = join(dir, 'full-data');
      await mkdir(data);
      await run('ln', ['-s', disk, join(data, 'ingest')]);
      const { RoleProcess } = await import('./role-process.ts');
      const local = new RoleProcess(
        'local',
        ['local', '-f', file, '--data', data, '--ports', '0,0,0,0'],
        {},
      );
      try {
        local.start();
        const line = await local.waitFor(
          (l) => l.message === 'the group starts over from what is committed and persisted',
          60_000,
        );
        expect(JSON.stringify(line)).toMatch(/no space left|ENOSPC/i);
        await run('mount', ['-o', 'remount,size=200m', disk]);
        await local.waitFor((l) => l.message === 'persisted' && Number(l['rows']) > 0, 60_000);
        await until('all rows are there', 60_000, async () => {
          const port = local.lines.findLast((l) => l.message === 'broker listens')?.['port'];
          const answer = await fetch(`http://127.0.0.1:${String(port)}/druid/v2`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(count('full')),
          });
          const [all] = (await answer.json()) as { result: { n: number } }[];
          return all?.result.n === rows.length ? true : undefined;
        });
      } finally {
        await local.stop();
        await run('umount', [disk]);
      }
    });
  });

  describe('records', () => {
    it.each(RECORDS)('%s', async (name, value, outcome) => {
      const before = await outcomes();
      const [first, last] = [`before ${name}`, `after ${name}`];
      await producer.send(deployment.topic, [{ value: row(first), partition: 0 }]);
      await producer.send(deployment.topic, [{ value, partition: 0 }]);
      await producer.send(deployment.topic, [{ value: row(last), partition: 0 }]);
      await seen(first);
      await seen(last);
      const after = await outcomes();
      const added = (key: string): number => (after[key] ?? 0) - (before[key] ?? 0);
      expect(added('processed')).toBe(outcome === 'processed' ? 3 : 2);
      if (outcome !== 'processed') expect(added(outcome)).toBe(1);
      const samples = await (await fetch(`${workerUrl()}/sluice/v1/ingest/bad-records`)).json();
      if (/^(unparseable|processedWithError)/.test(outcome))
        expect(JSON.stringify(samples)).toContain(outcome);
    });
  });

  describe('queries', () => {
    const post = async (
      body: string,
      type: string | undefined,
    ): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${deployment.brokerUrl}/druid/v2`, {
        method: 'POST',
        headers: type === undefined ? {} : { 'content-type': type },
        body: Buffer.from(body),
      });
      return { status: response.status, text: await response.text() };
    };

    it('unknown data source: an empty answer, as in Druid', async () => {
      const { status, text } = await post(
        JSON.stringify({ queryType: 'timeBoundary', dataSource: 'nowhere' }),
        'application/json',
      );
      expect([status, JSON.parse(text)]).toEqual([200, []]);
    });

    it('truncated body: 400', async () => {
      const { status, text } = await post(
        '{"queryType":"timeBoundary","dataSou',
        'application/json',
      );
      expect([status, JSON.parse(text)]).toEqual([
        400,
        expect.objectContaining({ error: 'Json parse failed' }),
      ]);
    });

    it('wrong content type: 415 names it and the right one', async () => {
      const { status, text } = await post('{}', 'text/plain');
      expect([status, text]).toEqual([
        415,
        expect.stringMatching(/text\/plain.*application\/json/),
      ]);
    });

    it("unknown query type: 400 in Druid's words", async () => {
      const { status, text } = await post(
        JSON.stringify({ queryType: 'timeTravel', dataSource: NAME }),
        'application/json',
      );
      expect([status, text]).toEqual([
        400,
        expect.stringContaining("Could not resolve type id 'timeTravel' as a subtype of"),
      ]);
    });
  });

  function workerUrl(): string {
    return `http://127.0.0.1:${String(deployment.workers[0]?.lines.findLast((l) => l.message === 'ingest worker listens')?.['port'])}`;
  }

  async function outcomes(): Promise<Record<string, number>> {
    const status = (await (await fetch(`${workerUrl()}/sluice/v1/ingest/status`)).json()) as {
      progress: { counts: Record<string, number> };
    };
    return status.progress.counts;
  }

  function count(dataSource: string, filter?: unknown): Record<string, unknown> {
    return {
      queryType: 'timeseries',
      dataSource,
      granularity: 'all',
      intervals: '0000/9999',
      ...(filter === undefined ? {} : { filter }),
      aggregations: [{ type: 'longSum', name: 'n', fieldName: 'count' }],
    };
  }

  /** Waits until the good row is counted once. */
  async function seen(id: string): Promise<void> {
    await until(`row ${id} is visible`, 30_000, async () => {
      const [all] = await deployment.query<{ result: { n: number | null } }[]>(
        count(NAME, { type: 'selector', dimension: 'id', value: id }),
      );
      return all?.result.n === 1 ? true : undefined;
    });
  }
});
