// Rounds of 200,000 rows with a fault in each, on one deployment; after each round every id is looked for in the stored
// segments (invariant I1). Used by the fault suites, which run side by side: most of a round is waiting for leases.

import { afterAll, beforeAll, beforeEach, expect, onTestFailed } from 'vitest';
import type { Server, ServerName } from '../servers/server.ts';
import type { Servers } from '../servers/servers.ts';
import { type Deployment, type DeploymentOptions, deploy, realServers } from './deployment.ts';
import { produce, Sent } from './producing.ts';
import { committedOffsets, differences, StoredIdReader } from './stored-segments.ts';
import { until } from './waiting.ts';
import type { LogLine, RoleProcess } from './role-process.ts';

const ROWS = Number(process.env['SLUICE_FAULT_ROWS'] ?? 200_000);
const PARTITIONS = 2;
const RATE = 60_000;

/** A round's production, slow enough for several sequences: where a moment may be missed. */
export const SLOW_RATE = 20_000;

/** A matcher of log messages. */
export const has =
  (message: string): ((line: LogLine) => boolean) =>
  (line) =>
    line.message === message;

/** Waits. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** The deployment of a suite, its rounds and the report of what was hit. Registers its own set-up and clean-up. */
export class FaultRounds {
  readonly #name: string;
  readonly #shape: Pick<DeploymentOptions, 'groups' | 'workers'>;
  readonly #sent: Sent = new Sent();
  readonly #report: string[] = [];
  #servers: Servers | undefined;
  #deployment: Deployment | undefined;
  #stored: StoredIdReader | undefined;
  #round = 0;

  constructor(name: string, shape: Pick<DeploymentOptions, 'groups' | 'workers'> = { groups: 1 }) {
    this.#name = name;
    this.#shape = shape;
    beforeAll(() => this.#start(), 900_000);
    beforeEach(() => onTestFailed(() => this.#explain()));
    afterAll(() => this.#stop());
  }

  get deployment(): Deployment {
    if (this.#deployment === undefined) throw new Error('not started');
    return this.#deployment;
  }

  get worker(): RoleProcess {
    const [worker] = this.deployment.workers;
    if (worker === undefined) throw new Error('no worker');
    return worker;
  }

  server(name: ServerName): Server {
    if (this.#servers === undefined) throw new Error('not started');
    return this.#servers.get(name);
  }

  /** Sends 200,000 rows while `fault` happens, then waits until all is committed and looks for every id. */
  async during(fault: () => Promise<string>, rate: number = RATE): Promise<void> {
    const { deployment } = this;
    const round = ++this.#round;
    const sent = this.#sent;
    const place = {
      broker: this.server('kafka').endpoint.url,
      topic: deployment.topic,
      partitions: PARTITIONS,
    };
    // Event time goes on from round to round, or the next round's rows would be late.
    const rows = {
      rows: ROWS,
      seed: round,
      firstId: round * 10_000_000,
      rate,
      startMs: Date.UTC(2024, 0, 1 + round),
    };
    const producing = produce({ ...place, ...rows }, sent);
    let hit: string;
    try {
      hit = await fault();
    } finally {
      // A fault that failed half-way must not fail every test after it.
      for (const role of deployment.all) if (!role.isRunning) role.start();
      await producing;
    }
    this.#report.push(`${expect.getState().currentTestName ?? ''} -> ${hit}`);
    await until('everything sent is committed', 90_000, async () => {
      const offsets = await committedOffsets(deployment);
      return [...offsets.values()].reduce((a, b) => a + b, 0) === sent.records ? true : undefined;
    });
    this.#stored ??= new StoredIdReader(deployment);
    const stored = await this.#stored.read();
    expect(differences(sent.accepted, stored.counts)).toEqual([]);
    expect(stored.counts.size).toBe(sent.accepted.size);
    await until('the broker counts every row once', 60_000, async () => {
      const [answer] = await deployment.query<{ result: { n: number | null } }[]>(this.#count());
      return answer?.result.n === sent.accepted.size ? true : undefined;
    });
  }

  #count(): Record<string, unknown> {
    return {
      queryType: 'timeseries',
      dataSource: this.#name,
      granularity: 'all',
      intervals: '2000/2100',
      aggregations: [{ type: 'longSum', name: 'n', fieldName: 'count' }],
      context: { useCache: false },
    };
  }

  async #start(): Promise<void> {
    this.#servers = await realServers();
    this.#deployment = await deploy({
      name: this.#name,
      partitions: PARTITIONS,
      ...this.#shape,
      servers: this.#servers,
      segments: { period: 'PT3S', maxRowsInMemory: 40_000 },
    });
    await until('the worker listens', 60_000, async () =>
      this.worker.lines.some(has('ingest worker listens')) ? true : undefined,
    );
  }

  async #stop(): Promise<void> {
    console.log(['fault -> where it hit', ...this.#report].join('\n'));
    await this.#deployment?.close();
    await this.#servers?.stop();
  }

  #explain(): void {
    for (const role of this.#deployment?.all ?? []) {
      console.log(
        `${role.name} ${role.isRunning ? 'runs' : 'has ended'}; its last words:\n${role.tail(25)}`,
      );
    }
  }
}
