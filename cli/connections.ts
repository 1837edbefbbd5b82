// Connections of a role to the servers: from the file that SLUICE_CONNECTIONS names, else from the SLUICE_* variables.
// Read once, here; nothing else looks at them.

import { readFileSync } from 'node:fs';
import { openMinioStorage } from '../core/deepstorage/minio/storage.ts';
import type { DeepStorage } from '../core/deepstorage/port.ts';
import { openEtcdStore } from '../core/metadata/etcd/store.ts';
import type { MetadataStore } from '../core/metadata/port.ts';
import { Failure, messageOf } from '../core/runtime/failure.ts';
import type { Logger } from '../core/runtime/log.ts';
import { type Connections, readConnections } from '../core/spec/connections.ts';
import { memoryCache } from '../worker/cache/memory/memory-cache.ts';
import type { ResultCache } from '../worker/cache/port.ts';
import { redisCache } from '../worker/cache/redis/redis-cache.ts';

const CACHE_BYTES = 64 * 1024 * 1024;
const ETCD_ROOT = 'sluice/';

/** The connections file, where the environment names one. @throws Failure `config` ConnectionsInvalid, FileUnreadable */
function fromFile(): Connections | undefined {
  const file = process.env['SLUICE_CONNECTIONS'] ?? '';
  if (file === '') return undefined;
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(
      'config',
      'FileUnreadable',
      `SLUICE_CONNECTIONS: ${file} cannot be read (${messageOf(error)}); mount the Secret with the key connections.yaml`,
      error,
    );
  }
  return readConnections(content, file);
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

/** etcd: `etcd` of the file, or SLUICE_ETCD. */
export function openStore(): MetadataStore {
  const etcd = fromFile()?.etcd;
  const username = etcd === undefined ? process.env['SLUICE_ETCD_USER'] : etcd.username;
  const password = etcd === undefined ? process.env['SLUICE_ETCD_PASSWORD'] : etcd.password;
  return openEtcdStore({
    hosts: [...(etcd?.endpoints ?? required('SLUICE_ETCD', 'http://host:2379').split(','))],
    root: (etcd === undefined ? process.env['SLUICE_ETCD_ROOT'] : etcd.root) ?? ETCD_ROOT,
    ...(username === undefined || password === undefined ? {} : { auth: { username, password } }),
  });
}

/** The bucket: `s3` of the file, or SLUICE_S3. */
export function openStorage(): DeepStorage {
  const s3 = fromFile()?.s3 ?? {
    endpoint: required('SLUICE_S3', 'http://host:9000'),
    accessKey: required('SLUICE_S3_ACCESS_KEY', 'the access key'),
    secretKey: required('SLUICE_S3_SECRET_KEY', 'the secret key'),
    bucket: required('SLUICE_S3_BUCKET', 'the name of an existing bucket'),
    prefix: process.env['SLUICE_S3_PREFIX'],
  };
  return openMinioStorage({ ...s3, prefix: s3.prefix ?? '' });
}

/** Redis: `redis` of the file, or SLUICE_REDIS, else this process's memory. */
export function openCache(log: Logger): ResultCache {
  const file = fromFile();
  const url = file === undefined ? process.env['SLUICE_REDIS'] : file.redis?.url;
  return url === undefined || url === ''
    ? memoryCache(CACHE_BYTES)
    : redisCache(url, 'sluice:', log);
}
