// The operator as a process of its own on a real API server, with real Kafka, MinIO, etcd and Redis, workers that the
// tests' kubelet starts from the pods the operator makes, a historical and a broker.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openMinioStorage } from '../../../core/deepstorage/minio/storage.ts';
import type { DeepStorage } from '../../../core/deepstorage/port.ts';
import { openKafkaAdmin } from '../../../core/kafka/admin.ts';
import { openEtcdStore } from '../../../core/metadata/etcd/store.ts';
import { CODECS } from '../../../core/metadata/codecs.ts';
import { INGESTIONS, parseKey } from '../../../core/metadata/keys.ts';
import type { MetadataStore } from '../../../core/metadata/port.ts';
import type { PartitionState } from '../../../core/metadata/values.ts';
import { KINDS } from '../../../operator/reconcile/kubernetes/kinds.ts';
import { placeOfSuite } from '../../kube/place.ts';
import { freePorts } from '../../servers/ports.ts';
import { type Servers, startServers } from '../../servers/servers.ts';
import { environmentOf, s3Of } from '../deployment.ts';
import { RoleProcess } from '../role-process.ts';
import { generatedResource } from '../row-generator.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { Objects } from './objects.ts';
import { ProcessKubelet } from './process-kubelet.ts';

/** Everything that runs. */
export interface RealWorkers {
  readonly name: string;
  readonly topic: string;
  readonly broker: string;
  readonly objects: Objects;
  readonly kubelet: ProcessKubelet;
  readonly operator: RoleProcess;
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  readonly brokerUrl: string;
  /** Applies the resource of the generated rows with changes to its spec. */
  apply(spec: Readonly<Record<string, unknown>>): Promise<void>;
  partitions(): Promise<readonly PartitionState[]>;
  close(): Promise<void>;
}

/** Starts it all; resolves once the processes run. */
export async function startRealWorkers(name: string, partitions: number): Promise<RealWorkers> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.toReversed()) await step().catch(console.warn);
  };
  try {
    return await start(name, partitions, closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  name: string,
  partitions: number,
  closing: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<RealWorkers> {
  const { host, podNet } = placeOfSuite();
  const servers = await startServers({ own: true, host });
  closing.push(() => servers.stop());
  const plane = await startControlPlane();
  closing.push(() => plane.stop());
  const dir = await mkdtemp(join(tmpdir(), `sluice-e2e-${name}-`));
  closing.push(() => rm(dir, { recursive: true, force: true }));
  const broker = servers.get('kafka').endpoint.url;
  const topic = `${name}-topic`;
  const admin = await openKafkaAdmin({ bootstrapServers: [broker], clientId: 'e2e' });
  await admin.createTopic(topic, partitions, {});
  await admin.close();
  const objects = new Objects(plane.admin, name);
  await objects.createNamespace();
  await objects.create(KINDS.secrets, connections(name, servers));
  const kubelet = await ProcessKubelet.start(objects, podNet);
  closing.push(() => kubelet.stop());
  const environment = await environmentOf(name, servers);
  const [operatorPort = 0, historicalPort = 0, brokerPort = 0] = await freePorts(host, 3);
  const role = (what: string, port: number, ...args: string[]): RoleProcess => {
    const place = ['--host', host, '--port', String(port)];
    const one = new RoleProcess(what, [what, ...place, ...args], {
      ...environment,
      ...(what === 'operator' ? operatorEnvironment(name, plane) : {}),
    });
    one.start();
    closing.push(() => one.kill());
    return one;
  };
  const operator = role('operator', operatorPort);
  role('historical', historicalPort, '--id', `historical-${name}`, '--data', join(dir, 'h'));
  role('broker', brokerPort);
  const store = openEtcdStore({ hosts: [servers.get('etcd').endpoint.url], root: `${name}/` });
  closing.push(() => store.close());
  return {
    name,
    topic,
    broker,
    objects,
    kubelet,
    operator,
    store,
    storage: openMinioStorage({ ...s3Of(servers), bucket: name }),
    brokerUrl: `http://${host}:${brokerPort}`,
    apply: async (spec) => {
      const segments = { period: 'PT3S', maxRowsInMemory: 40_000 };
      const { spec: whole } = generatedResource({ name, broker, topic, groups: 1, segments });
      await objects.applyIngestion(name, { ...(whole as object), ...spec });
    },
    partitions: () => partitionsOf(store),
    close,
  };
}

function operatorEnvironment(namespace: string, plane: ControlPlane): Record<string, string> {
  return {
    KUBECONFIG: plane.kubeconfig,
    SLUICE_IMAGE: 'localhost/sluice:test',
    SLUICE_NAMESPACE: namespace,
    SLUICE_WATCH_NAMESPACE: namespace,
    SLUICE_CONNECTIONS_SECRET: 'connections',
  };
}

function connections(name: string, servers: Servers): object {
  const text = stringify({
    etcd: { endpoints: [servers.get('etcd').endpoint.url], root: `${name}/` },
    s3: { ...s3Of(servers), bucket: name },
  });
  return { metadata: { name: 'connections' }, stringData: { 'connections.yaml': text } };
}

async function partitionsOf(store: MetadataStore): Promise<readonly PartitionState[]> {
  const { entries } = await store.list(INGESTIONS);
  return entries
    .filter(({ key }) => parseKey(key).type === 'partition')
    .map(({ key, value }) => CODECS.partition.decode(value, key));
}
