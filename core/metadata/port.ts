// The metadata port: what every etcd-shaped store must promise. Offsets, publications, ownership and
// announcements go through it (protocol.md). Adapters: etcd/ and embedded/; one contract suite for both.
//
// Values are text (JSON with a schema version, see keys.ts). Revisions are positive integers that grow with
// every write of the whole store; 0 means "absent".

/** A value and where it stands. */
export interface Versioned {
  readonly key: string;
  readonly value: string;
  /** Revision of the last write to this key. Ownership is compared by it (protocol.md 1). */
  readonly modRevision: number;
  /** Revision that created the key (unchanged by later puts). */
  readonly createRevision: number;
}

/** A condition of a transaction; all must hold. */
export type Compare =
  /** The key's modRevision equals this; 0 = the key does not exist. */
  | { readonly key: string; readonly modRevision: number }
  /** No key exists under the prefix. */
  | { readonly emptyPrefix: string };

/** A write of a transaction. One key may be written once. */
export type Write =
  | { readonly put: string; readonly value: string; readonly lease?: Lease }
  | { readonly delete: string }
  | { readonly deletePrefix: string };

/** A transaction: if every compare holds all writes happen, else none; atomic and linearizable. */
export interface Transaction {
  readonly compare: readonly Compare[];
  readonly writes: readonly Write[];
  /** Keys to read in the same step when a compare fails. */
  readonly readOnFailure?: readonly string[];
}

/** The outcome of a transaction that got an answer. */
export type TransactionResult =
  | { readonly committed: true; readonly revision: number }
  /** `reads` are in the order of `readOnFailure`, undefined for absent keys. */
  | {
      readonly committed: false;
      readonly revision: number;
      readonly reads: readonly (Versioned | undefined)[];
    };

/** At most this many operations in each of compare and writes; more is a `bug` Failure (protocol.md 1). */
export const MAX_TRANSACTION_OPERATIONS = 128;
/** Longest value accepted, bytes of UTF-8; more is a `bug` Failure. etcd refuses at 1,536 KiB. */
export const MAX_VALUE_BYTES = 1_400_000;

/**
 * TTL of the one lease of a worker or a historical, ms: long enough for a pause of the process, short enough for a
 * takeover. Source: protocol.md 7 "Fencing".
 */
export const LEASE_TTL_MS = 10_000;

/**
 * One lease of a process. It counts as lost 2/3 TTL after the last acknowledged renewal was *sent*, on the
 * process's own monotonic clock, never by a library's event (protocol.md 7, invariant I4).
 */
export interface Lease {
  readonly id: string;
  readonly ttlMs: number;
  /** Checked before any answer or write that relies on ownership. Once false, never true again. */
  isAlive(): boolean;
  /** Aborted when the lease is first seen dead (polled at least every 100 ms, and by isAlive). */
  readonly lost: AbortSignal;
  /** Deletes its keys at once. Never throws; isAlive is false afterwards. */
  revoke(): Promise<void>;
}

/** One change of a mirrored prefix, in revision order. */
export type Change =
  | { readonly type: 'put'; readonly entry: Versioned; readonly previous: Versioned | undefined }
  | { readonly type: 'delete'; readonly previous: Versioned };

/**
 * A live copy of a prefix. After an outage or a compaction past its position it lists again and delivers the
 * difference, so that no change that is still true is ever missed (intermediate states may be).
 */
export interface Mirror {
  /** Resolves when the first full list has been delivered to `onChange`. */
  readonly ready: Promise<void>;
  /** The state at {@link revision}. */
  entries(): ReadonlyMap<string, Versioned>;
  get(key: string): Versioned | undefined;
  /** The store revision this copy has caught up with. */
  revision(): number;
  /** False while the watch is down. */
  isConnected(): boolean;
  /** Resolves once revision() >= the given one. @throws Failure transient WatchBehind after timeoutMs */
  caughtUp(revision: number, timeoutMs: number): Promise<void>;
  close(): void;
}

/** The port. Every method throws Failure `transient` StoreUnavailable when there was no answer. */
export interface MetadataStore {
  /** Linearizable read. Undefined when absent. */
  get(key: string): Promise<Versioned | undefined>;
  /** Linearizable list of a prefix, ascending by key, all at one revision. Pages internally. */
  list(
    prefix: string,
  ): Promise<{ readonly entries: readonly Versioned[]; readonly revision: number }>;
  /**
   * Atomic. Not retried inside: after a throw the outcome is UNKNOWN and the caller reads back
   * (protocol.md 6 "No answer").
   */
  transact(transaction: Transaction): Promise<TransactionResult>;
  /** Grants a lease and keeps it alive until revoke. */
  lease(ttlMs: number): Promise<Lease>;
  /** Starts a live copy. `onChange` gets batches in order, never concurrently; it must not throw. */
  mirror(prefix: string, onChange: (changes: readonly Change[]) => void): Mirror;
  /** Releases connections, mirrors and leases of this client. Leases are revoked. */
  close(): Promise<void>;
}
