// `sluice trial`: what `helm test` runs. Ingests rows of its own through an installation on Kubernetes, asks for them,
// and removes everything again. Needs the verbs create, get and delete on RealtimeIngestions of one namespace.

import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { openKafkaAdmin } from '../../core/kafka/admin.ts';
import type { KafkaConnectionOptions } from '../../core/kafka/connection-options.ts';
import { openKafkaProducer } from '../../core/kafka/producer.ts';
import { systemClock } from '../../core/runtime/clock.ts';
import { Failure, messageOf } from '../../core/runtime/failure.ts';
import { createLogger } from '../../core/runtime/log.ts';
import { compileIngestion } from '../../core/spec/compile.ts';
import { hasCode } from '../../operator/kube/classify.ts';
import { createKubeClient, type KubeClient } from '../../operator/kube/client.ts';
import { openTransport } from '../../operator/kube/kube-config.ts';
import { listAt } from '../../operator/kube/object.ts';
import { collectionPath, objectPath } from '../../operator/kube/resource.ts';
import { INGESTIONS } from '../../operator/reconcile/kubernetes/kinds.ts';
import { kubernetesAccess } from '../kubernetes-settings.ts';
import { kafkaConnection, secretsIn } from '../sources.ts';
import { runTrial, type TrialCondition, type TrialTarget } from '../trial/trial.ts';
import {
  totalsOf,
  TRIAL_PARTITIONS,
  trialQuery,
  trialRecords,
  trialResource,
} from '../trial/trial-resource.ts';
import { UsageError } from '../usage.ts';

const QUERY_MS = 10_000;

/** Exit code 0 when every row was counted exactly once. */
export async function runTrialCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kafka: { type: 'string', default: '{}' },
      url: { type: 'string', default: 'http://localhost:8082' },
      namespace: { type: 'string', default: 'default' },
      timeout: { type: 'string', default: '180' },
    },
  });
  const seconds = Number(values.timeout);
  if (!(seconds > 0)) throw new UsageError(`--timeout: value '${values.timeout}': give seconds`);
  const kafka = kafkaOf(values.kafka);
  const name = `sluice-trial-${randomBytes(4).toString('hex')}`;
  const resource = trialResource({ namespace: values.namespace, name }, kafka);
  const { source } = compileIngestion(resource, '/');
  if (source.type !== 'kafka') throw new UsageError('--kafka: give a Kafka source');
  const log = createLogger({ level: 'warn', write: (line) => process.stderr.write(line) });
  const transport = await openTransport({ clock: systemClock, ...kubernetesAccess(process.env) });
  const client = createKubeClient({ transport, clock: systemClock });
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  await runTrial(
    {
      name,
      totals: (signal) => askTotals(values.url, name, signal),
      ...onKafka(name, kafkaConnection(source, secretsIn(process.env['SLUICE_SECRETS']), log)),
      ...onKubernetes(client, { namespace: values.namespace, name }, resource),
    },
    {
      clock: systemClock,
      timeoutMs: seconds * 1000,
      signal: stopped.signal,
      say: (line) => process.stdout.write(`${line}\n`),
    },
  );
  return 0;
}

/** @throws Failure `config` TrialSourceMissing; UsageError for what is no JSON object */
function kafkaOf(text: string): object {
  let kafka: unknown;
  try {
    kafka = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--kafka: is not JSON (${messageOf(error)})`);
  }
  if (typeof kafka !== 'object' || kafka === null)
    throw new UsageError('--kafka: give a JSON object with bootstrapServers');
  if ('bootstrapServers' in kafka && listAt(kafka, 'bootstrapServers').length > 0) return kafka;
  throw new Failure(
    'config',
    'TrialSourceMissing',
    '--kafka: names no bootstrapServers, so nothing can be ingested; set the chart value tests.kafka.bootstrapServers to a Kafka that worker pods reach, for example --set tests.kafka.bootstrapServers={kafka:9092}',
  );
}

async function askTotals(
  url: string,
  dataSource: string,
  signal: AbortSignal,
): ReturnType<TrialTarget['totals']> {
  const response = await fetch(new URL('/druid/v2', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(trialQuery(dataSource)),
    signal: AbortSignal.any([signal, AbortSignal.timeout(QUERY_MS)]),
  }).catch((error: unknown) => {
    const text = `--url ${url}: no answer (${messageOf(error)})`;
    throw new Failure('transient', 'ServerUnavailable', text, error);
  });
  const text = await response.text();
  if (response.ok) return totalsOf(JSON.parse(text));
  throw new Failure('transient', 'ServerUnavailable', `--url ${url}: ${response.status} ${text}`);
}

function onKafka(
  topic: string,
  connection: KafkaConnectionOptions,
): Pick<TrialTarget, 'produce' | 'deleteTopic'> {
  let isMade = false;
  const withAdmin = async (work: (admin: Admin) => Promise<unknown>): Promise<void> => {
    const admin = await openKafkaAdmin(connection);
    try {
      await work(admin);
    } finally {
      await admin.close();
    }
  };
  return {
    async produce() {
      isMade = true;
      await withAdmin((admin) => admin.createTopic(topic, TRIAL_PARTITIONS));
      const producer = await openKafkaProducer(connection);
      try {
        await producer.send(topic, trialRecords());
      } finally {
        await producer.close();
      }
    },
    deleteTopic: async () => {
      if (isMade) await withAdmin((admin) => admin.deleteTopic(topic));
    },
  };
}

type Admin = Awaited<ReturnType<typeof openKafkaAdmin>>;

function onKubernetes(
  client: KubeClient,
  at: { readonly namespace: string; readonly name: string },
  resource: object,
): Pick<TrialTarget, 'createResource' | 'conditions' | 'deleteResource'> {
  const path = objectPath(INGESTIONS, at);
  /** Undefined when the resource is not there. */
  const ifThere = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  };
  return {
    async createResource(signal) {
      const collection = collectionPath(INGESTIONS, at.namespace);
      await client.call({ method: 'POST', path: collection, body: resource }, signal);
    },
    async conditions(signal) {
      const object = await ifThere(client.call({ method: 'GET', path }, signal));
      return object === undefined
        ? undefined
        : (listAt(object, 'status', 'conditions') as readonly TrialCondition[]);
    },
    async deleteResource(signal) {
      await ifThere(client.call({ method: 'DELETE', path }, signal));
    },
  };
}
