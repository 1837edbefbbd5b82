// One namespace with operators of this process in it: the real controller against a real API server, with an embedded
// store and a stream whose partitions the test sets. Counts every request of each operator. Cleans up after itself.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalStorage } from '../../../core/deepstorage/local/storage.ts';
import { openEmbeddedStore } from '../../../core/metadata/embedded/store.ts';
import type { MetadataStore } from '../../../core/metadata/port.ts';
import { systemClock } from '../../../core/runtime/clock.ts';
import type { Failure } from '../../../core/runtime/failure.ts';
import { createLogger } from '../../../core/runtime/log.ts';
import { createMetrics } from '../../../core/runtime/metrics.ts';
import { compileChecked } from '../../../cli/resources.ts';
import type { LeaseTimes } from '../../../operator/kube/lease-election.ts';
import type { KubeRequest, Transport } from '../../../operator/kube/client.ts';
import type { KubeObject } from '../../../operator/kube/object.ts';
import type { StreamInspector } from '../../../operator/reconcile/cluster.ts';
import type { OperatorSettings } from '../../../operator/reconcile/kubernetes/controller-parts.ts';
import {
  type KubernetesOperator,
  startKubernetesOperator,
} from '../../../operator/reconcile/kubernetes/kubernetes-operator.ts';
import { placeOfSuite } from '../../kube/place.ts';
import { brokenAsAsked } from './breakages.ts';
import type { ControlPlane } from './control-plane.ts';
import { Objects } from './objects.ts';

/** The stream as a test sets it. */
export interface TestStream {
  partitions: number;
  /** Thrown by every call while set. */
  failure: Failure | undefined;
}

/** A request of an operator. */
export interface Sent extends KubeRequest {
  readonly status: number;
}

/** An operator of this process. */
export interface TestOperator extends KubernetesOperator {
  /** Where it answers. */
  readonly url: string;
  /** Everything it sent so far. */
  readonly sent: Sent[];
  readonly logged: string[];
}

/** Lease times for tests: a takeover in four seconds, and a stall of three is survived. */
const SHORT_LEASE = { leaseMs: 4000, renewDeadlineMs: 3000, retryMs: 300 } as const;

/** A namespace and what runs in it. */
export class OperatorBench {
  readonly objects: Objects;
  readonly namespace: string;
  readonly stream: TestStream = { partitions: 4, failure: undefined };
  /** What workers answer, by address. */
  readonly reports: Map<string, unknown> = new Map();
  /** Passwords that streams were opened with. */
  readonly opened: string[] = [];
  readonly store: MetadataStore;
  readonly #plane: ControlPlane;
  readonly #folder: string;
  readonly #operators: TestOperator[] = [];
  readonly #host: string = placeOfSuite().host;

  private constructor(plane: ControlPlane, namespace: string) {
    this.#plane = plane;
    this.namespace = namespace;
    this.objects = new Objects(plane.admin, namespace);
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-operator-'));
    this.store = openEmbeddedStore({ path: join(this.#folder, 'metadata.sqlite') });
  }

  static async open(plane: ControlPlane): Promise<OperatorBench> {
    const bench = new OperatorBench(plane, `op-${randomBytes(4).toString('hex')}`);
    await bench.objects.createNamespace();
    return bench;
  }

  /** Starts an operator. `wrap` stands between it and the API server. */
  async start(
    options: {
      readonly settings?: Partial<OperatorSettings>;
      readonly wrap?: (transport: Transport) => Transport;
      readonly store?: MetadataStore;
      /** Default: a takeover in four seconds. Under load the real times are needed. */
      readonly leaseTimes?: LeaseTimes;
      readonly silenceMaxMs?: number;
    } = {},
  ): Promise<TestOperator> {
    const sent: Sent[] = [];
    const logged: string[] = [];
    const operator = await startKubernetesOperator(
      brokenAsAsked({
        settings: {
          namespace: this.namespace,
          image: 'localhost/sluice:test',
          connectionsSecretName: undefined,
          resyncMs: 1000,
          resyncPerIngestionMs: 0,
          rollsAtOnceMax: Infinity,
          drainMs: 3000,
          ...options.settings,
        },
        watchNamespace: this.namespace,
        identity: `test_${randomBytes(4).toString('hex')}`,
        leaseTimes: options.leaseTimes ?? SHORT_LEASE,
        ...(options.silenceMaxMs === undefined ? {} : { silenceMaxMs: options.silenceMaxMs }),
        host: this.#host,
        port: 0,
        version: '0.0.0',
        transport: (options.wrap ?? ((t) => t))(recording(this.#plane.transport, sent)),
        store: options.store ?? this.store,
        storage: openLocalStorage(join(this.#folder, 'deep-storage')),
        openStream: ({ source }, secrets) => {
          if (source.type === 'kafka' && source.sasl !== null)
            this.opened.push(secrets(source.sasl.password));
          return this.#openStream();
        },
        compile: compileChecked,
        askWorker: (address) => {
          const report = this.reports.get(address);
          return report === undefined
            ? Promise.reject(new Error('no answer'))
            : Promise.resolve(report);
        },
        clock: systemClock,
        random: Math.random,
        log: createLogger({ level: 'info', write: (line) => logged.push(line) }),
        metrics: createMetrics(),
      }),
    );
    void operator.died.then((error) => console.warn('an operator ended:', error.message));
    const url = `http://${this.#host}:${operator.port}`;
    const one = { ...operator, url, sent, logged };
    this.#operators.push(one);
    return one;
  }

  async close(): Promise<void> {
    // One that a failed test left frozen never ends.
    const stopped = Promise.all(this.#operators.map((o) => o.stop(AbortSignal.timeout(5000))));
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, 10_000))]);
    await this.objects.deleteNamespace();
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openStream(): StreamInspector {
    const check = (): void => {
      if (this.stream.failure !== undefined) throw this.stream.failure;
    };
    return {
      identity: async () => {
        check();
        const partitions = Array.from({ length: this.stream.partitions }, (_, i) => i);
        return { id: `topic-of-${this.namespace}`, partitions };
      },
      resolve: async (partitions) => {
        check();
        return new Map(partitions.map((p) => [p, 0]));
      },
      close: () => Promise.resolve(),
    };
  }
}

/** Notes each request as it reaches the API server. */
function recording(inner: Transport, sent: Sent[]): Transport {
  return async (request, signal) => {
    const answer = await inner(request, signal);
    sent.push({ ...request, status: answer.status });
    return answer;
  };
}

/** Requests that change something, the lease and events aside. */
export function mutations(sent: readonly Sent[]): readonly Sent[] {
  return sent.filter(
    ({ method, path, query }) =>
      method !== 'GET' && query?.['dryRun'] === undefined && !/\/(leases|events)(\/|$)/.test(path),
  );
}

/** The status of a condition, as `True/Reason`. */
export function conditionOf(object: KubeObject | undefined, type: string): string {
  const status = object?.['status'] as
    | { conditions?: readonly { type: string; status: string; reason: string }[] }
    | undefined;
  const found = status?.conditions?.find((condition) => condition.type === type);
  return found === undefined ? '' : `${found.status}/${found.reason}`;
}
