// The product on the real node: the connections as a Secret, the chart by helm, the example by kubectl; and how a test
// asks the broker and looks into the bucket.

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'minio';
import { stringify } from 'yaml';
import { openKafkaAdmin } from '../../../core/kafka/admin.ts';
import { openKafkaProducer } from '../../../core/kafka/producer.ts';
import { until } from '../waiting.ts';
import type { RealNode } from './real-node.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** The chart. */
export const CHART: string = join(ROOT, 'charts/sluice');
/** Namespace and release of the product. */
export const NAMESPACE = 'analytics';
const RELEASE = 'sluice';
const BUCKET = 'sluice';
const TOPIC = 'wikipedia';
const PARTITIONS = 2;
/** One of the historical, two of workers. */
const VOLUMES = 3;

const SMALL = { requests: { cpu: '20m', memory: '128Mi' }, limits: { memory: '1Gi' } };
// What a person writes for external servers, at the size of one small node.
const VALUES = {
  image: { repository: 'localhost/sluice', pullPolicy: 'Never' },
  connections: { existingSecret: 'sluice-connections' },
  operator: { replicas: 2, resources: SMALL },
  broker: { replicas: 1, resources: SMALL },
  historicals: [
    {
      name: 'default',
      tier: '_default_tier',
      replicas: 1,
      maxBytes: 1_000_000_000,
      storage: { size: '100Mi' },
      resources: SMALL,
    },
  ],
  networkPolicy: { enabled: true },
  metrics: {
    serviceMonitor: true,
    podMonitor: true,
    rules: true,
    dashboards: true,
    interval: '1s',
  },
};

/** The installed product. */
export interface Installation {
  readonly valuesFile: string;
  /** The example with the address of this cluster's Kafka. */
  readonly exampleFile: string;
  /** Sends the rows of the tutorial, spread over the partitions. Answers how many. */
  produce(): Promise<number>;
  /** Rows that the broker counts in a data source, asked through its Service. */
  count(dataSource: string): Promise<number>;
  /** Names of the topics. */
  topics(): Promise<readonly string[]>;
  /** Names of the objects in the bucket. */
  objects(): Promise<readonly string[]>;
}

/** Namespace with PodSecurity, bucket, topic, Secret, values; installs nothing yet. */
export async function prepareInstallation(node: RealNode): Promise<Installation> {
  await node.kubectl('create', 'namespace', NAMESPACE);
  const enforce = 'pod-security.kubernetes.io/enforce=restricted';
  await node.kubectl('label', 'namespace', NAMESPACE, enforce);
  await makeVolumes(node);
  const bucket = await makeBucket(node);
  const connection = {
    bootstrapServers: [node.server('kafka').endpoint.url],
    clientId: 'cluster-test',
  };
  const admin = await openKafkaAdmin(connection);
  await admin.createTopic(TOPIC, PARTITIONS);
  await admin.close();
  const connections = await node.file('connections.yaml', stringify(connectionsOf(node)));
  const secret = ['create', 'secret', 'generic', 'sluice-connections', '-n', NAMESPACE];
  await node.kubectl(...secret, `--from-file=connections.yaml=${connections}`);
  const example = await readFile(join(ROOT, 'examples/wikipedia-kafka.yaml'), 'utf8');
  const rows = (await readFile(join(ROOT, 'examples/wikipedia.ndjson'), 'utf8')).trim().split('\n');
  return {
    valuesFile: await node.file(
      'values.yaml',
      stringify({ ...VALUES, tests: { kafka: { bootstrapServers: connection.bootstrapServers } } }),
    ),
    exampleFile: await node.file(
      'wikipedia-kafka.yaml',
      example.replaceAll('localhost:9092', node.server('kafka').endpoint.url),
    ),
    async produce() {
      const producer = await openKafkaProducer(connection);
      await producer.send(
        TOPIC,
        rows.map((value, i) => ({ value, partition: i % PARTITIONS })),
      );
      await producer.close();
      return rows.length;
    },
    count: (dataSource) => countRows(node, dataSource),
    async topics() {
      const topics = await openKafkaAdmin(connection);
      try {
        return await topics.topics();
      } finally {
        await topics.close();
      }
    },
    objects: () =>
      new Promise((resolve, reject) => {
        const names: string[] = [];
        const stream = bucket.listObjectsV2(BUCKET, '', true);
        stream.on('data', (item) => void (item.name !== undefined && names.push(item.name)));
        stream.on('end', () => resolve(names));
        stream.on('error', reject);
      }),
  };
}

/** Installs or changes the release and waits until its pods are ready. */
export async function release(
  node: RealNode,
  installation: Installation,
  ...more: readonly string[]
): Promise<void> {
  const where = ['upgrade', '--install', RELEASE, CHART, '-n', NAMESPACE];
  const values = ['-f', installation.valuesFile, ...more];
  await node.helm(...where, ...values, '--wait', '--timeout', '120s');
}

/** Folders of the node as volumes, since nothing here makes them on demand. */
async function makeVolumes(node: RealNode): Promise<void> {
  const onNode = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] };
  const volumes: string[] = [];
  for (let i = 0; i < VOLUMES; i++) {
    const path = join(node.folder, `volume-${i}`);
    await mkdir(path);
    volumes.push(
      stringify({
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `volume-${i}` },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          local: { path },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [onNode] }] } },
        },
      }),
    );
  }
  await node.kubectl('apply', '-f', await node.file('volumes.yaml', volumes.join('---\n')));
}

async function makeBucket(node: RealNode): Promise<Client> {
  const { url, accessKey = '', secretKey = '' } = node.server('s3').endpoint;
  const { hostname, port } = new URL(url);
  const options = { endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey };
  const client = new Client(options);
  await client.makeBucket(BUCKET);
  return client;
}

function connectionsOf(node: RealNode): object {
  const { url, accessKey, secretKey } = node.server('s3').endpoint;
  return {
    etcd: { endpoints: [node.server('etcd').endpoint.url] },
    s3: { endpoint: url, bucket: BUCKET, accessKey, secretKey },
    redis: { url: node.server('redis').endpoint.url },
  };
}

const COUNT = {
  queryType: 'timeseries',
  granularity: 'all',
  intervals: '2013/2014',
  aggregations: [{ type: 'longSum', name: 'n', fieldName: 'count' }],
  context: { useCache: false },
};

async function countRows(node: RealNode, dataSource: string): Promise<number> {
  const service = await node.read<{ spec: { clusterIP: string; ports: { port: number }[] } }>(
    'service',
    `${RELEASE}-broker`,
    '-n',
    NAMESPACE,
  );
  const { clusterIP, ports } = service.spec;
  const response = await fetch(`http://${clusterIP}:${ports[0]?.port}/druid/v2`, {
    method: 'POST',
    // A connection kept alive would stay with one pod.
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ ...COUNT, dataSource }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  const [all] = JSON.parse(text) as { result: { n: number | null } }[];
  return all?.result.n ?? 0;
}

/** Waits until the broker counts so many rows. */
export async function untilCounted(
  installation: Installation,
  rows: number,
  dataSource = 'wikipedia',
): Promise<void> {
  let last = -1;
  await until(`${rows} rows are counted`, 60_000, async () => {
    last = await installation.count(dataSource);
    return last === rows ? true : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; counted last: ${last}`);
  });
}
