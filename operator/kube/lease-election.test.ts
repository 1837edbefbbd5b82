import { expect, test } from 'vitest';
import { type ManualClock, manualClock } from '../../core/runtime/clock.ts';
import { NO_LOG } from '../../core/runtime/log.ts';
import { createKubeClient, type KubeClient, type KubeRequest } from './client.ts';
import { LeaseElection, microTime } from './lease-election.ts';

/** A server that keeps one Lease with optimistic concurrency; it can stop answering. */
function leaseServer(clock: ManualClock): {
  readonly client: (isUp?: () => boolean) => KubeClient;
  holder(): string;
  transitions(): number;
  readonly writes: KubeRequest[];
} {
  let lease: { metadata: { resourceVersion: string }; spec: Record<string, unknown> } | undefined;
  let version = 0;
  const writes: KubeRequest[] = [];
  const answer = (status: number, body: unknown) => ({
    status,
    headers: {},
    body: (async function* () {
      yield Buffer.from(JSON.stringify(body));
    })(),
  });
  const handle = (request: KubeRequest) => {
    if (request.method === 'GET')
      return lease === undefined ? answer(404, { reason: 'NotFound' }) : answer(200, lease);
    const body = structuredClone(request.body) as NonNullable<typeof lease>;
    const isStale =
      request.method === 'POST'
        ? lease !== undefined
        : body.metadata.resourceVersion !== lease?.metadata.resourceVersion;
    if (isStale) return answer(409, { reason: 'Conflict' });
    writes.push(request);
    lease = { spec: body.spec, metadata: { ...body.metadata, resourceVersion: String(++version) } };
    return answer(200, lease);
  };
  return {
    client: (isUp = () => true) =>
      createKubeClient({
        clock,
        transport: async (request) => {
          if (!isUp()) throw new Error('connection refused');
          return handle(request);
        },
      }),
    holder: () => (lease?.spec['holderIdentity'] as string | undefined) ?? '',
    transitions: () => Number(lease?.spec['leaseTransitions'] ?? 0),
    writes,
  };
}

function candidate(clock: ManualClock, client: KubeClient, identity: string) {
  const election = new LeaseElection({
    client,
    clock,
    log: NO_LOG,
    random: () => 0,
    namespace: 'n',
    name: 'lease',
    identity,
  });
  const stop = new AbortController();
  const state = { works: 0, wasAborted: false, end: '' };
  const done = election
    .run(stop.signal, async (leading) => {
      state.works++;
      await new Promise<void>((resolve) =>
        leading.addEventListener('abort', () => {
          state.wasAborted = true;
          resolve();
        }),
      );
    })
    .then((end) => {
      state.end = end;
    });
  return { election, state, stop: () => stop.abort(), done };
}

test('one leads; the other leads within two seconds of the lease being given back', async () => {
  const clock = manualClock();
  const server = leaseServer(clock);
  const a = candidate(clock, server.client(), 'a');
  await clock.advance(0);
  const b = candidate(clock, server.client(), 'b');
  await clock.advance(60_000);
  expect([a.state.works, b.state.works]).toEqual([1, 0]);
  expect(server.holder()).toBe('a');
  a.stop();
  await clock.advance(0);
  await a.done;
  expect(a.state.end).toBe('stopped');
  expect(server.holder()).toBe('');
  await clock.advance(2500);
  expect([b.election.isLeader(), b.state.works]).toEqual([true, 1]);
  expect(server.transitions()).toBe(1);
  b.stop();
  await clock.advance(0);
  await b.done;
});

test('B15: out of touch, it stops work at the deadline, and the other begins after the lease, never both', async () => {
  const clock = manualClock();
  const server = leaseServer(clock);
  let isUp = true;
  const a = candidate(
    clock,
    server.client(() => isUp),
    'a',
  );
  await clock.advance(4000);
  const b = candidate(clock, server.client(), 'b');
  await clock.advance(4000);
  isUp = false;
  let both = 0;
  let stoppedMs = 0;
  let begunMs = 0;
  for (let ms = 100; ms <= 20_000; ms += 100) {
    await clock.advance(100);
    if (a.election.isLeader() && b.election.isLeader()) both++;
    if (stoppedMs === 0 && a.state.wasAborted) stoppedMs = ms;
    if (begunMs === 0 && b.state.works > 0) begunMs = ms;
  }
  expect(both).toBe(0);
  expect(a.state.end).toBe('lost');
  expect(stoppedMs).toBeLessThanOrEqual(10_000);
  expect(begunMs).toBeGreaterThan(stoppedMs);
  expect(begunMs).toBeLessThanOrEqual(17_000 + 400);
  b.stop();
  await clock.advance(0);
  await b.done;
});

test('a holder whose clock is wrong keeps its lease as long as it renews', async () => {
  const clock = manualClock();
  const server = leaseServer(clock);
  // Its wall clock stands an hour back: renewTime is long ago, but it changes.
  const wrong: ManualClock = { ...clock, nowMs: () => clock.nowMs() - 3_600_000 };
  const a = candidate(wrong, server.client(), 'a');
  await clock.advance(0);
  const b = candidate(clock, server.client(), 'b');
  await clock.advance(120_000);
  expect([a.state.works, b.state.works]).toEqual([1, 0]);
  expect(server.writes.length).toBeGreaterThan(50);
  a.stop();
  b.stop();
  await clock.advance(3000);
  await Promise.all([a.done, b.done]);
});

test('times have six digits, as Lease and Event want them', () => {
  expect(microTime(0)).toBe('1970-01-01T00:00:00.000000Z');
  expect(microTime(1_700_000_000_123)).toBe('2023-11-14T22:13:20.123000Z');
});
