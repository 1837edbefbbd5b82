// What a Druid console sees of our ingestions, and what it may change: the endpoints of an Overlord on a real API server.
// Source: druid-query-api.md 15.4.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textAt } from '../../../operator/kube/object.ts';
import { until } from '../waiting.ts';
import { type ControlPlane, hasControlPlane, startControlPlane } from './control-plane.ts';
import { OperatorBench } from './operator-bench.ts';

describe.skipIf(!hasControlPlane())('supervisors', () => {
  let plane: ControlPlane;
  let bench: OperatorBench;
  let url = '';
  let id = '';

  beforeAll(async () => {
    plane = await startControlPlane();
    bench = await OperatorBench.open(plane);
    const operator = await bench.start();
    url = `${operator.url}/druid/indexer/v1`;
    id = `${bench.namespace}-wiki`;
    await bench.objects.applyIngestion('wiki', { workers: { count: 2 } });
    const names = ['wiki-g0-0', 'wiki-g1-0'];
    await bench.objects.podsNamed(...names);
    bench.reports.set('10.0.0.1:8084', {
      conditions: [],
      progress: { lagRecords: 21, counts: { processed: 10, 'thrownAway/late': 2, unparseable: 1 } },
    });
    for (const name of names) await bench.objects.setReady(name);
    await bench.objects.condition('wiki', 'Ready', 'True/Reading');
  });
  afterAll(async () => {
    await bench?.close();
    await plane?.stop();
  });

  async function ask(path: string, method = 'GET'): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${url}/${path}`, { method });
    return { status: answer.status, body: await answer.json() };
  }

  test('are listed by id, with state, and whole', async () => {
    expect(await ask('supervisor')).toEqual({ status: 200, body: [id] });
    const summary = {
      id,
      state: 'RUNNING',
      detailedState: 'RUNNING',
      healthy: true,
      suspended: false,
    };
    expect((await ask('supervisor?state=true')).body).toEqual([summary]);
    const { body } = await ask('supervisor?full');
    expect(body).toMatchObject([{ ...summary, spec: { type: 'kafka', suspended: false } }]);
    expect(await ask(`supervisor/${id}`)).toMatchObject({
      status: 200,
      body: {
        type: 'kafka',
        spec: {
          dataSchema: { dataSource: id },
          ioConfig: { topic: 'wikipedia', taskCount: 2, taskDuration: expect.any(String) },
        },
      },
    });
  });

  test('tell status, health, rows and history', async () => {
    const { body } = await ask(`supervisor/${id}/status`);
    expect(body).toMatchObject({
      id,
      payload: {
        dataSource: id,
        stream: 'wikipedia',
        partitions: 4,
        aggregateLag: 42,
        state: 'RUNNING',
        activeTasks: [{ id: 'wiki-g0-0', lag: 21 }, { id: 'wiki-g1-0' }],
        publishingTasks: [],
        recentErrors: [],
      },
    });
    expect(await ask(`supervisor/${id}/health`)).toEqual({ status: 200, body: { healthy: true } });
    const buildSegments = { processed: 10, processedWithError: 0, thrownAway: 2, unparseable: 1 };
    expect((await ask(`supervisor/${id}/stats`)).body).toMatchObject({
      0: { 'wiki-g0-0': { totals: { buildSegments } } },
    });
    expect((await ask(`supervisor/${id}/history`)).body).toMatchObject([
      { spec: { spec: { dataSchema: { dataSource: id } } }, version: expect.stringMatching(/^20/) },
    ]);
    expect((await ask('supervisor/history')).body).toHaveProperty([id]);
  });

  test('have workers as tasks', async () => {
    const tasks = (await ask(`tasks?datasource=${id}`)).body;
    const task = { id: 'wiki-g0-0', type: 'index_kafka', statusCode: 'RUNNING', dataSource: id };
    expect(tasks).toMatchObject([
      { ...task, location: { host: '10.0.0.1', port: 8084 } },
      { id: 'wiki-g1-0' },
    ]);
    expect((await ask('runningTasks')).body).toHaveLength(2);
    expect((await ask('completeTasks')).body).toEqual([]);
    expect((await ask('task/wiki-g0-0/status')).body).toMatchObject({
      task: 'wiki-g0-0',
      status: { statusCode: 'RUNNING' },
    });
  });

  test('that do not exist are told as such, and what is not offered is refused with what to do', async () => {
    for (const path of [
      'supervisor/x',
      'supervisor/x/status',
      'supervisor/x/health',
      'task/x/status',
    ])
      expect((await ask(path)).status, path).toBe(404);
    expect(await ask('supervisor/x/suspend', 'POST')).toMatchObject({ status: 404 });
    expect(await ask('supervisor', 'POST')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('sluice convert') },
    });
    expect(await ask(`supervisor/${id}/terminate`, 'POST')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('delete rti wiki') },
    });
  });

  test('are suspended, resumed and reset through the resource', async () => {
    const { objects } = bench;
    expect(await ask(`supervisor/${id}/suspend`, 'POST')).toMatchObject({
      status: 200,
      body: { suspended: true },
    });
    await objects.podsNamed();
    await objects.condition('wiki', 'Paused', 'True/Suspended');
    expect((await ask('supervisor?state=true')).body).toMatchObject([
      { state: 'SUSPENDED', healthy: true },
    ]);
    await ask(`supervisor/${id}/resume`, 'POST');
    await objects.podsNamed('wiki-g0-0', 'wiki-g1-0');
    expect(await ask(`supervisor/${id}/reset`, 'POST')).toEqual({ status: 200, body: { id } });
    await until('the reset', 15_000, async () =>
      textAt(await objects.ingestion('wiki'), 'status', 'resetAt').startsWith('20')
        ? true
        : undefined,
    );
    // Without a ready worker it is unhealthy.
    await objects.condition('wiki', 'Ready', 'False/WorkersUnavailable');
    expect(await ask(`supervisor/${id}/health`)).toEqual({ status: 503, body: { healthy: false } });
    expect((await ask('supervisor?state=true')).body).toMatchObject([{ state: 'UNHEALTHY_TASKS' }]);
  });
});
