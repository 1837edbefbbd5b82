// A whole Sluice on real servers for one test: operator, ingest workers, historical, broker, each its own process on
// free ports, with its own bucket, etcd prefix, topic and folders. Tests inject faults through its processes and
// servers and look at what is really stored.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { stringify } from 'yaml';
import { openKafkaAdmin } from '../../core/kafka/admin.ts';
import { openMinioStorage } from '../../core/deepstorage/minio/storage.ts';
import type { DeepStorage } from '../../core/deepstorage/port.ts';
import { openEtcdStore } from '../../core/metadata/etcd/store.ts';
import type { MetadataStore } from '../../core/metadata/port.ts';
import { freePorts } from '../servers/ports.ts';
import { type Servers, startServers } from '../servers/servers.ts';
import { RoleProcess } from './role-process.ts';
import { generatedResource } from './row-generator.ts';

/** How the deployment is shaped. */
export interface DeploymentOptions {
  readonly name: string;
  readonly partitions: number;
  readonly groups: number;
  /** `spec.workers` beside the count. */
  readonly workers?: Readonly<Record<string, unknown>>;
  /** `spec.segments`. */
  readonly segments: Readonly<Record<string, unknown>>;
  /** `spec.lateness`; default messageTime with an hour. */
  readonly lateness?: Readonly<Record<string, unknown>>;
  /** `spec.schema`; default that of the generated rows. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly topicConfig?: Readonly<Record<string, string>>;
  /** Started already by the suite; faults on them are the test's. */
  readonly servers: Servers;
}

/** The running deployment. */
export interface Deployment {
  readonly name: string;
  readonly topic: string;
  readonly servers: Servers;
  readonly store: MetadataStore;
  readonly storage: DeepStorage;
  readonly operator: RoleProcess;
  readonly historical: RoleProcess;
  readonly broker: RoleProcess;
  readonly workers: readonly RoleProcess[];
  readonly brokerUrl: string;
  readonly resourceFile: string;
  /** Connections as the roles get them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Every process, in start order. */
  readonly all: readonly RoleProcess[];
  /** Posts a native query to the broker. @throws Error with the body when it is refused */
  query<T>(query: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

/** The four servers, own ones. */
export function realServers(): Promise<Servers> {
  return startServers({ own: true });
}

/** Starts everything; resolves once the processes run (not when they are ready). */
export async function deploy(options: DeploymentOptions): Promise<Deployment> {
  const { name, servers } = options;
  const dir = await mkdtemp(join(tmpdir(), `sluice-e2e-${name}-`));
  const topic = `${name}-topic`;
  const kafka = servers.get('kafka').endpoint.url;
  const admin = await openKafkaAdmin({ bootstrapServers: [kafka], clientId: 'e2e' });
  await admin.createTopic(topic, options.partitions, options.topicConfig ?? {});
  await admin.close();
  const environment = await environmentOf(name, servers);
  const resourceFile = join(dir, 'resource.yaml');
  await writeFile(
    resourceFile,
    stringify(
      generatedResource({
        name,
        broker: kafka,
        topic,
        groups: options.groups,
        segments: options.segments,
        ...(options.workers === undefined ? {} : { workers: options.workers }),
        ...(options.lateness === undefined ? {} : { lateness: options.lateness }),
        ...(options.schema === undefined ? {} : { schema: options.schema }),
      }),
    ),
  );
  const ports = await freePorts('127.0.0.1', 3 + options.groups);
  const port = (i: number): string => String(ports[i]);
  const process = (role: string, i: number, ...args: string[]): RoleProcess =>
    new RoleProcess(
      role,
      [role.split('-')[0] ?? role, '--host', '127.0.0.1', '--port', port(i), ...args],
      environment,
    );
  const operator = process('operator', 0, '-f', resourceFile);
  const historical = process(
    'historical',
    1,
    '--id',
    `historical-${name}`,
    '--data',
    join(dir, 'historical'),
  );
  const broker = process('broker', 2);
  const workers = Array.from({ length: options.groups }, (_, g) =>
    process(
      `ingest-g${g}`,
      3 + g,
      '-f',
      resourceFile,
      '--group',
      `g${g}`,
      '--data',
      join(dir, `g${g}`),
    ),
  );
  const all = [operator, historical, broker, ...workers];
  for (const role of all) role.start();
  const brokerUrl = `http://127.0.0.1:${port(2)}`;
  const store = openEtcdStore({ hosts: [servers.get('etcd').endpoint.url], root: `${name}/` });
  const storage = openMinioStorage({ ...s3Of(servers), bucket: name });
  return {
    name,
    topic,
    servers,
    store,
    storage,
    operator,
    historical,
    broker,
    workers,
    brokerUrl,
    resourceFile,
    environment,
    all,
    query: (query, signal) => post(brokerUrl, query, signal),
    async close() {
      await Promise.all(all.map((role) => role.kill()));
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The bucket server and its keys. */
export function s3Of(servers: Servers): { endpoint: string; accessKey: string; secretKey: string } {
  const { url, accessKey = '', secretKey = '' } = servers.get('s3').endpoint;
  return { endpoint: url, accessKey, secretKey };
}

/** Makes the bucket; connections of a role as environment, everything under `bucket`. */
export async function environmentOf(
  bucket: string,
  servers: Servers,
): Promise<Record<string, string>> {
  const { endpoint, accessKey, secretKey } = s3Of(servers);
  const { hostname, port } = new URL(endpoint);
  await new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey,
    secretKey,
  }).makeBucket(bucket);
  return {
    SLUICE_ETCD: servers.get('etcd').endpoint.url,
    SLUICE_ETCD_ROOT: `${bucket}/`,
    SLUICE_S3: endpoint,
    SLUICE_S3_ACCESS_KEY: accessKey,
    SLUICE_S3_SECRET_KEY: secretKey,
    SLUICE_S3_BUCKET: bucket,
    SLUICE_REDIS: servers.get('redis').endpoint.url,
  };
}

async function post<T>(
  url: string,
  query: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<T> {
  const response = await fetch(`${url}/druid/v2`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(query),
    signal: signal ?? AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as T;
}
