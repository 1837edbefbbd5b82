// The cache of local mode: this process's memory, bounded by bytes, least recently used goes first.

import { CACHED_BYTES_MAX, type ResultCache } from '../port.ts';

/** A cache of at most `bytesMax` bytes of values. */
export function memoryCache(bytesMax: number): ResultCache {
  const values = new Map<string, Uint8Array>();
  let bytes = 0;
  const remove = (key: string): void => {
    bytes -= values.get(key)?.length ?? 0;
    values.delete(key);
  };
  return {
    getMany(keys) {
      return Promise.resolve(
        keys.map((key) => {
          const value = values.get(key);
          if (value === undefined) return undefined;
          // A Map keeps the order of insertion: putting it again makes it the youngest.
          values.delete(key);
          values.set(key, value);
          return value;
        }),
      );
    },
    put(key, value) {
      if (value.length > CACHED_BYTES_MAX) return;
      remove(key);
      values.set(key, value);
      bytes += value.length;
      for (const oldest of values.keys()) {
        if (bytes <= bytesMax) break;
        remove(oldest);
      }
    },
    close: () => Promise.resolve(),
  };
}
