// Behaviours that no other file's story shows: a restart with everything in another order, conflicts only, requests that
// fire once over a crash, deadlines, the fleet's limit, rotated secrets, what a standby and a deaf process say.

import { describe, expect, test } from 'vitest';
import { CODECS } from '../../../core/metadata/codecs.ts';
import type { PartitionState } from '../../../core/metadata/values.ts';
import type { Transport } from '../../../operator/kube/client.ts';
import { field, type KubeObject } from '../../../operator/kube/object.ts';
import { INGESTIONS, KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { until } from '../waiting.ts';
import { hasControlPlane } from './control-plane.ts';
import { isWatch, refusal } from './faulty-transport.ts';
import { conditionOf, mutations, type OperatorBench } from './operator-bench.ts';
import { benchForEachTest } from './suite.ts';
import { rewriting } from './rewriting-transport.ts';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const SPEC2 = { segments: { period: 'PT5M' } };

describe.skipIf(!hasControlPlane())('behaviours of the operator', () => {
  let bench: OperatorBench;
  benchForEachTest((opened) => {
    bench = opened;
  });

  async function ready(name: string, spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { objects } = bench;
    await objects.applyIngestion(name, spec);
    const pod = `${name}-g0-0`;
    await until(pod, 15_000, async () => objects.get(KINDS.pods, pod));
    await objects.setReady(pod);
    await objects.condition(name, 'Ready', 'True/Reading');
  }

  test('B4: another operator, shown everything in another order, writes nothing', async () => {
    const first = await bench.start();
    await ready('wiki', {
      workers: { count: 1, resources: { requests: { cpu: '1', memory: '1Gi' } } },
    });
    await sleep(1500);
    await first.stop(AbortSignal.timeout(5000));
    const second = await bench.start({
      wrap: (inner) =>
        rewriting(inner, {
          object: (request, object) =>
            request.path.includes('/leases') ? object : (shuffled(object) as KubeObject),
        }),
      settings: { resyncMs: 300 },
    });
    await until('ten passes', 15_000, async () =>
      second.figures().passes >= 10 ? true : undefined,
    );
    expect(mutations(second.sent)).toEqual([]);
    expect(second.sent.length).toBeGreaterThan(5);
  });

  test('B7: conflicts are normal: every second write is refused, nothing is logged, the end is the same', async () => {
    let writes = 0;
    let conflicts = 0;
    const conflicting =
      (inner: Transport): Transport =>
      (request, signal) => {
        const isWrite = request.method !== 'GET' && !/\/(leases|events)/.test(request.path);
        if (!isWrite || writes++ % 2 === 1) return inner(request, signal);
        conflicts++;
        return Promise.resolve(refusal(409, 'Conflict'));
      };
    const operator = await bench.start({ wrap: conflicting });
    await ready('wiki');
    expect(conflicts).toBeGreaterThan(4);
    const complaints = operator.logged.filter((line) => /"level":"(warn|error)"/.test(line));
    expect(complaints).toEqual([]);
    console.info(`B7 met ${conflicts} conflicts`);
  });

  async function partitions(): Promise<readonly PartitionState[]> {
    const { entries } = await bench.store.list('');
    return entries
      .filter(({ key }) => key.includes('/partitions/'))
      .map(({ key, value }) => CODECS.partition.decode(value, key));
  }

  test('B11: a reset that was carried out before a crash is not carried out again by the next operator', async () => {
    // Dies before it can say in status that the reset is done.
    const mute =
      (inner: Transport): Transport =>
      (request, signal) =>
        request.method !== 'GET' && request.path.endsWith('/status') && isMute
          ? Promise.resolve(refusal(500, 'InternalError'))
          : inner(request, signal);
    let isMute = false;
    const first = await bench.start({ wrap: mute });
    await ready('wiki');
    isMute = true;
    await objectsAnnotate({ 'sluice.dev/reset-request': 'one' });
    await until('the reset', 10_000, async () =>
      (await partitions()).every((p) => p.skipped.length === 1 && p.epoch === 2) ? true : undefined,
    );
    await first.stop(AbortSignal.timeout(5000));
    await bench.start();
    await until('the echo', 10_000, async () =>
      field(await bench.objects.ingestion('wiki'), 'status', 'resetAt') === 'one'
        ? true
        : undefined,
    );
    const after = await partitions();
    expect(after.map(({ epoch, skipped }) => [epoch, skipped.length])).toEqual(
      Array.from({ length: 4 }, () => [2, 1]),
    );
    await objectsAnnotate({ 'sluice.dev/reset-request': 'two' });
    await until('the second reset', 10_000, async () =>
      (await partitions()).every((p) => p.skipped.length === 2) ? true : undefined,
    );
  });
  const objectsAnnotate = (annotations: Readonly<Record<string, string>>): Promise<void> =>
    bench.objects.patch(INGESTIONS, 'wiki', { metadata: { annotations } });

  test('a roll that stands still is told after its deadline; a new generation begins anew', async () => {
    await bench.start({ settings: { resyncMs: 300 } });
    const { objects } = bench;
    const workers = { count: 1, progressDeadlineSeconds: 2 };
    await ready('wiki', { workers });
    await objects.condition('wiki', 'Progressing', 'False/UpToDate');
    await objects.applyIngestion('wiki', { workers, ...SPEC2 });
    await objects.condition('wiki', 'Progressing', 'True/Changing');
    const stuck = await objects.condition('wiki', 'Progressing', 'False/ProgressDeadlineExceeded');
    expect(JSON.stringify(stuck['status'])).toContain('progressDeadlineSeconds');
    await objects.applyIngestion('wiki', { workers, segments: { period: 'PT6M' } });
    await objects.condition('wiki', 'Progressing', 'True/Changing');
    await until('the roll', 10_000, async () => {
      await objects.setReady('wiki-g0-0').catch(() => undefined);
      return conditionOf(await objects.ingestion('wiki'), 'Ready') === 'True/Reading'
        ? true
        : undefined;
    });
    await objects.condition('wiki', 'Progressing', 'False/UpToDate');
  });

  test('no more ingestions than allowed replace workers at once', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const first = await bench.start();
    for (const name of names) await ready(name);
    await first.stop(AbortSignal.timeout(5000));
    const old = new Set((await bench.objects.pods()).map(({ metadata }) => metadata.uid));
    // An upgrade of the operator with another image of the workers.
    await bench.start({
      settings: { image: 'localhost/sluice:next', rollsAtOnceMax: 1, resyncMs: 300 },
    });
    const { objects } = bench;
    let most = 0;
    await until('every pod to be new', 60_000, async () => {
      const pods = await objects.pods();
      const fresh = pods.filter(({ metadata }) => !old.has(metadata.uid));
      const unready = fresh.filter((pod) => field(pod, 'status', 'phase') !== 'Running');
      most = Math.max(most, unready.length + names.length - pods.length);
      for (const { metadata } of unready) await objects.setReady(metadata.name);
      return fresh.length === names.length && unready.length === 0 ? true : undefined;
    });
    expect(most).toBe(1);
    for (const name of names) await objects.condition(name, 'Progressing', 'False/UpToDate');
  });

  test("a resource's own deadline bounds its drain", async () => {
    await bench.start({ settings: { drainMs: 600_000 } });
    const { objects } = bench;
    await ready('wiki', { workers: { count: 1, drainDeadlineSeconds: 2 } });
    const [pod] = await objects.pods();
    expect(field(pod, 'spec', 'terminationGracePeriodSeconds')).toBe(2);
    await objects.bind('wiki-g0-0');
    await objects.delete(INGESTIONS, 'wiki');
    await until('the resource to be gone', 15_000, async () =>
      (await objects.ingestion('wiki')) === undefined ? true : undefined,
    );
  });

  test('a rotated Secret is used without a new worker', async () => {
    const { objects } = bench;
    await objects.create(KINDS.secrets, {
      metadata: { name: 'kafka' },
      stringData: { user: 'u', password: 'old' },
    });
    const operator = await bench.start({ settings: { resyncMs: 500 } });
    const secret = (key: string): object => ({ name: 'kafka', key });
    await ready('wiki', {
      source: {
        kafka: {
          bootstrapServers: ['kafka:9092'],
          topic: 'wikipedia',
          sasl: {
            mechanism: 'plain',
            usernameSecret: secret('user'),
            passwordSecret: secret('password'),
          },
        },
      },
    });
    const [pod] = await objects.pods();
    await objects.patch(KINDS.secrets, 'kafka', { stringData: { password: 'new' } });
    await until('the new password', 20_000, async () =>
      bench.opened.at(-1) === 'new' ? true : undefined,
    );
    expect(bench.opened).toEqual(['old', 'new']);
    expect((await objects.pods())[0]?.metadata.uid).toBe(pod?.metadata.uid);
    expect(mutations(operator.sent).filter(({ method }) => method === 'DELETE')).toEqual([]);
  });

  test('a standby says that it does not lead, and a leader counts queue, caches and conditions', async () => {
    const leader = await bench.start();
    await until('a leader', 5000, async () => (leader.figures().isLeader ? true : undefined));
    const standby = await bench.start();
    await ready('wiki');
    const ask = async (url: string, path: string): Promise<{ status: number; text: string }> => {
      const answer = await fetch(`${url}${path}`);
      return { status: answer.status, text: await answer.text() };
    };
    const isLeader = '/druid/coordinator/v1/isLeader';
    expect(await ask(leader.url, isLeader)).toEqual({ status: 200, text: '{"leader":true}' });
    expect(await ask(standby.url, isLeader)).toEqual({ status: 404, text: '{"leader":false}' });
    const { text } = await ask(leader.url, '/metrics');
    const labels = `namespace="${bench.namespace}",ingestion="wiki"`;
    expect(text).toContain('sluice_leader_election_master_status{name="sluice-operator"} 1');
    expect(text).toContain(
      `sluice_ingestion_status_condition{${labels},type="Ready",status="True"} 1`,
    );
    expect(text).toContain(`sluice_ingestion_workers{${labels},state="ready"} 1`);
    expect(text).toContain('sluice_watch_lists{kind="pods"} 1');
    expect(text).toMatch(
      /sluice_workqueue_adds_total\{controller="ingestion",priority="user"\} \d/,
    );
    expect(text).toMatch(/sluice_workqueue_depth\{controller="ingestion"\} 0/);
    expect(text).toMatch(/sluice_rest_client_requests_total\{method="PATCH",code="20[01]"\} \d/);
    const other = await ask(standby.url, '/metrics');
    expect(other.text).toContain('sluice_leader_election_master_status{name="sluice-operator"} 0');
    // Two that follow one resource do not count it twice.
    expect(other.text).not.toContain('ingestion="wiki"');
    await bench.objects.delete(INGESTIONS, 'wiki');
    await until('the series to end', 15_000, async () =>
      (await ask(leader.url, '/metrics')).text.includes('ingestion="wiki"') ? undefined : true,
    );
  });

  test('a process that hears nothing of the API server is not healthy', async () => {
    let isDeaf = false;
    const deaf =
      (inner: Transport): Transport =>
      async (request, signal) => {
        if (isDeaf && isWatch(request))
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted')));
          });
        const answer = await inner(request, signal);
        return isWatch(request)
          ? { ...answer, body: untilDeaf(answer.body, () => isDeaf) }
          : answer;
      };
    const operator = await bench.start({ wrap: deaf, silenceMaxMs: 20_000 });
    const health = async (): Promise<number> =>
      (await fetch(`${operator.url}/status/health`)).status;
    await ready('wiki');
    expect(await health()).toBe(200);
    isDeaf = true;
    await until('the process to be unhealthy', 60_000, async () =>
      (await health()) === 503 ? true : undefined,
    );
  });
});

/** Ends without a word once nothing is to be heard. */
async function* untilDeaf(
  body: AsyncIterable<Uint8Array>,
  isDeaf: () => boolean,
): AsyncIterable<Uint8Array> {
  for await (const part of body) {
    if (isDeaf()) return;
    yield part;
  }
}

/** The same value with the keys of every object in the opposite order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, shuffled(member)]),
  );
}
