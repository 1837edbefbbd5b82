// Connections of a role to the servers: from the file that SLUICE_CONNECTIONS names, else from the SLUICE_* variables.
// Nothing else looks at them. Where a server is is read once; credentials of the file are read whenever they are used.

import { openMinioStorage } from '../core/deepstorage/minio/storage.ts';
import type { DeepStorage } from '../core/deepstorage/port.ts';
import { openEtcdStore } from '../core/metadata/etcd/store.ts';
import type { MetadataStore } from '../core/metadata/port.ts';
import { Failure } from '../core/runtime/failure.ts';
import type { Logger } from '../core/runtime/log.ts';
import type { Connections } from '../core/spec/connections.ts';
import { memoryCache } from '../worker/cache/memory/memory-cache.ts';
import type { ResultCache } from '../worker/cache/port.ts';
import { redisCache } from '../worker/cache/redis/redis-cache.ts';
import { followConnections } from './connections-file.ts';

const CACHE_BYTES = 64 * 1024 * 1024;
const ETCD_ROOT = 'sluice/';

/** The connections file as it is now, where the environment names one. @throws Failure as followConnections tells */
function fromFile(): (() => Connections) | undefined {
  const file = process.env['SLUICE_CONNECTIONS'] ?? '';
  return file === '' ? undefined : followConnections(file);
}

function required(name: string, example: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Failure(
      'config',
      'EnvironmentMissing',
      `${name}: is not set; set it to ${example}, or SLUICE_CONNECTIONS to a connections file`,
    );
  return value;
}

/** etcd: `etcd` of the file, whose user and password are followed, or SLUICE_ETCD. */
export function openStore(): MetadataStore {
  const now = fromFile();
  if (now === undefined) {
    const username = process.env['SLUICE_ETCD_USER'];
    const password = process.env['SLUICE_ETCD_PASSWORD'];
    return openEtcdStore({
      hosts: required('SLUICE_ETCD', 'http://host:2379').split(','),
      root: process.env['SLUICE_ETCD_ROOT'] ?? ETCD_ROOT,
      ...(username === undefined || password === undefined ? {} : { auth: { username, password } }),
    });
  }
  const { endpoints, root, username, password } = now().etcd;
  const auth = {
    get username() {
      return now().etcd.username ?? '';
    },
    get password() {
      return now().etcd.password ?? '';
    },
  };
  return openEtcdStore({
    hosts: endpoints,
    root: root ?? ETCD_ROOT,
    ...(username === undefined || password === undefined ? {} : { auth }),
  });
}

/** The bucket: `s3` of the file, whose keys are followed, or SLUICE_S3. */
export function openStorage(): DeepStorage {
  const now = fromFile();
  if (now === undefined)
    return openMinioStorage({
      endpoint: required('SLUICE_S3', 'http://host:9000'),
      accessKey: required('SLUICE_S3_ACCESS_KEY', 'the access key'),
      secretKey: required('SLUICE_S3_SECRET_KEY', 'the secret key'),
      bucket: required('SLUICE_S3_BUCKET', 'the name of an existing bucket'),
      prefix: process.env['SLUICE_S3_PREFIX'] ?? '',
    });
  const { endpoint, bucket, prefix } = now().s3;
  return openMinioStorage({
    endpoint,
    bucket,
    prefix: prefix ?? '',
    get accessKey() {
      return now().s3.accessKey;
    },
    get secretKey() {
      return now().s3.secretKey;
    },
  });
}

/** Redis: `redis` of the file, or SLUICE_REDIS, else this process's memory. */
export function openCache(log: Logger): ResultCache {
  const now = fromFile();
  const url = now === undefined ? process.env['SLUICE_REDIS'] : now().redis?.url;
  return url === undefined || url === ''
    ? memoryCache(CACHE_BYTES)
    : redisCache(url, 'sluice:', log);
}
