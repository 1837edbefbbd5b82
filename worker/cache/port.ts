// The result cache: bytes by key, for partial results of published segments only. Losing it costs time, never
// correctness; a failure is a miss. Adapters: memory/ and redis/.

/** The port. No method throws. */
export interface ResultCache {
  /** Values in the order of keys; undefined = miss. The caller owns the bytes. */
  getMany(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** Stores a value, perhaps; nobody waits for it. */
  put(key: string, value: Uint8Array): void;
  close(): Promise<void>;
}

/** Longest value kept, bytes: larger results are cheaper to compute than to move. */
export const CACHED_BYTES_MAX = 1_048_576;
