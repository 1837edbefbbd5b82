// Connections of a role to the servers, from the environment. Read once, here; nothing else looks at it.

import { openMinioStorage } from '../core/deepstorage/minio/storage.ts';
import type { DeepStorage } from '../core/deepstorage/port.ts';
import { openEtcdStore } from '../core/metadata/etcd/store.ts';
import type { MetadataStore } from '../core/metadata/port.ts';
import { Failure } from '../core/runtime/failure.ts';
import type { Logger } from '../core/runtime/log.ts';
import { memoryCache } from '../worker/cache/memory/memory-cache.ts';
import type { ResultCache } from '../worker/cache/port.ts';
import { redisCache } from '../worker/cache/redis/redis-cache.ts';

const CACHE_BYTES = 64 * 1024 * 1024;

function required(name: string, example: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Failure('config', 'EnvironmentMissing', `${name}: is not set; set it to ${example}`);
  return value;
}

/** etcd at SLUICE_ETCD. */
export function openStore(): MetadataStore {
  const username = process.env['SLUICE_ETCD_USER'];
  const password = process.env['SLUICE_ETCD_PASSWORD'];
  return openEtcdStore({
    hosts: required('SLUICE_ETCD', 'http://host:2379').split(','),
    root: process.env['SLUICE_ETCD_ROOT'] ?? 'sluice/',
    ...(username === undefined || password === undefined ? {} : { auth: { username, password } }),
  });
}

/** The bucket at SLUICE_S3. */
export function openStorage(): DeepStorage {
  return openMinioStorage({
    endpoint: required('SLUICE_S3', 'http://host:9000'),
    accessKey: required('SLUICE_S3_ACCESS_KEY', 'the access key'),
    secretKey: required('SLUICE_S3_SECRET_KEY', 'the secret key'),
    bucket: required('SLUICE_S3_BUCKET', 'the name of an existing bucket'),
    prefix: process.env['SLUICE_S3_PREFIX'] ?? '',
  });
}

/** Redis at SLUICE_REDIS, else this process's memory. */
export function openCache(log: Logger): ResultCache {
  const url = process.env['SLUICE_REDIS'];
  return url === undefined || url === ''
    ? memoryCache(CACHE_BYTES)
    : redisCache(url, 'sluice:', log);
}
