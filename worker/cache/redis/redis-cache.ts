// The cache in Redis, shared by brokers. Commands wait shortly and fail as misses; while Redis is gone nothing queues.

import { Redis } from 'ioredis';
import type { Logger } from '../../../core/runtime/log.ts';
import { CACHED_BYTES_MAX, type ResultCache } from '../port.ts';

const COMMAND_TIMEOUT_MS = 200;
/** Results of published segments never change; this only bounds what nobody asks for any more. */
const TTL_SECONDS = 86_400;

/** Opens the cache at `redis://host:port`. Connects in the background and again whenever it is lost. */
export function redisCache(url: string, prefix: string, log: Logger): ResultCache {
  const redis = new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: 2000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(5000, 100 * 2 ** Math.min(attempt, 6)),
  });
  let isDown = false;
  redis.on('error', (error: Error) => {
    if (!isDown) log.warn('the result cache is not reachable; queries go on without it', { error });
    isDown = true;
  });
  redis.on('ready', () => {
    if (isDown) log.info('the result cache is back');
    isDown = false;
  });
  return {
    async getMany(keys) {
      if (keys.length === 0 || redis.status !== 'ready') return keys.map(() => undefined);
      try {
        const values = await redis.mgetBuffer(keys.map((key) => prefix + key));
        return values.map((value) => value ?? undefined);
      } catch {
        return keys.map(() => undefined);
      }
    },
    put(key, value) {
      if (value.length > CACHED_BYTES_MAX || redis.status !== 'ready') return;
      redis.set(prefix + key, Buffer.from(value), 'EX', TTL_SECONDS).catch(() => undefined);
    },
    close() {
      redis.disconnect();
      return Promise.resolve();
    },
  };
}
