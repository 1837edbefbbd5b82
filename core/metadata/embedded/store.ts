// The metadata store of local mode: node:sqlite in this process, in memory or in a file that survives a crash.
// One process at a time; the roles in it share the store object.

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { Failure, messageOf } from '../../runtime/failure.ts';
import { createMirrorState, type MirrorEvent, type MirrorState } from '../mirror-state.ts';
import type {
  Change,
  Compare,
  Lease,
  MetadataStore,
  Mirror,
  Transaction,
  TransactionResult,
  Versioned,
  Write,
} from '../port.ts';
import { checkTransaction } from '../transaction-check.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS entries (
  key TEXT PRIMARY KEY, value TEXT NOT NULL, mod INTEGER NOT NULL, created INTEGER NOT NULL, lease TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revision (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL);
INSERT OR IGNORE INTO revision VALUES (1, 1);
`;

/** Above every key that starts with a prefix: SQLite compares UTF-8 bytes, as etcd does. */
const AFTER = '\u{10FFFF}';

/** Where the store lives. */
export interface EmbeddedOptions {
  /** File, or `:memory:`. */
  readonly path: string;
  readonly clock?: Clock;
}

/**
 * Opens the store. Keys of leases of an earlier process are removed: that process is gone.
 *
 * @throws Failure `config` StoreLocked when another process has it open; `corrupt` StoreBroken
 */
export function openEmbeddedStore(options: EmbeddedOptions): MetadataStore {
  return new EmbeddedStore(openDatabase(options.path), options.clock ?? systemClock);
}

function openDatabase(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path);
    // EXCLUSIVE: the first write takes the lock for good, so a second process fails here and not later. FULL:
    // a commit is on disk when it returns.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;',
    );
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    return database;
  } catch (error) {
    const text = messageOf(error);
    if (text.includes('locked')) {
      throw new Failure(
        'config',
        'StoreLocked',
        `metadata '${path}' is open in another process; stop it or use another --data`,
        error,
      );
    }
    throw new Failure(
      'corrupt',
      'StoreBroken',
      `metadata '${path}' cannot be opened: ${text}`,
      error,
    );
  }
}

type Statements = Record<
  'get' | 'list' | 'any' | 'put' | 'remove' | 'leased' | 'revision' | 'setRevision',
  StatementSync
>;

function prepare(database: DatabaseSync): Statements {
  return {
    get: database.prepare('SELECT key, value, mod, created FROM entries WHERE key = ?'),
    list: database.prepare(
      'SELECT key, value, mod, created FROM entries WHERE key >= ? AND key < ? ORDER BY key',
    ),
    any: database.prepare('SELECT 1 FROM entries WHERE key >= ? AND key < ? LIMIT 1'),
    put: database.prepare(
      'INSERT OR REPLACE INTO entries (key, value, mod, created, lease) VALUES (?, ?, ?, ?, ?)',
    ),
    remove: database.prepare('DELETE FROM entries WHERE key = ?'),
    leased: database.prepare(
      'SELECT key FROM entries WHERE lease = ? OR (? IS NULL AND lease IS NOT NULL)',
    ),
    revision: database.prepare('SELECT value FROM revision'),
    setRevision: database.prepare('UPDATE revision SET value = ?'),
  };
}

class EmbeddedStore implements MetadataStore {
  readonly #database: DatabaseSync;
  readonly #sql: Statements;
  readonly #clock: Clock;
  readonly #mirrors = new Set<{ readonly prefix: string; readonly state: MirrorState }>();
  readonly #leases = new Map<string, Lease>();
  #leaseCount = 0;
  #isOpen = true;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#database = database;
    this.#sql = prepare(database);
    this.#clock = clock;
    this.#removeLeased(null);
  }

  #revision(): number {
    return Number(this.#sql.revision.get()?.['value'] ?? 0);
  }

  #get(key: string): Versioned | undefined {
    const row = this.#sql.get.get(key);
    return row === undefined ? undefined : versioned(row);
  }

  #list(prefix: string): Versioned[] {
    return this.#sql.list.all(prefix, prefix + AFTER).map((row) => versioned(row));
  }

  /** Runs `work` as one durable step and tells the mirrors. */
  #commit(work: (at: number) => MirrorEvent[]): number {
    if (!this.#isOpen)
      throw new Failure('transient', 'StoreUnavailable', 'the metadata store is closed');
    const before = this.#revision();
    let events: MirrorEvent[];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      events = work(before + 1);
      if (events.length > 0) this.#sql.setRevision.run(before + 1);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const text = `metadata could not be written: ${messageOf(error)}`;
      throw new Failure('transient', 'StoreUnavailable', text, error);
    }
    const at = events.length > 0 ? before + 1 : before;
    // In a later turn: whoever writes is not called back from inside its own call. Order is kept.
    for (const { prefix, state } of this.#mirrors) {
      const mine = events.filter((event) => event.key.startsWith(prefix));
      queueMicrotask(() => state.apply(mine, at));
    }
    return at;
  }

  #holds(compare: Compare): boolean {
    if ('key' in compare) return (this.#get(compare.key)?.modRevision ?? 0) === compare.modRevision;
    return this.#sql.any.get(compare.emptyPrefix, compare.emptyPrefix + AFTER) === undefined;
  }

  #write(step: Write, at: number): MirrorEvent[] {
    if ('put' in step) {
      const { put: key, value } = step;
      const created = this.#get(key)?.createRevision ?? at;
      this.#sql.put.run(key, value, at, created, step.lease?.id ?? null);
      return [{ key, entry: { key, value, modRevision: at, createRevision: created } }];
    }
    const keys =
      'delete' in step ? [step.delete] : this.#list(step.deletePrefix).map((entry) => entry.key);
    return this.#removeKeys(keys);
  }

  #removeKeys(keys: readonly string[]): MirrorEvent[] {
    const removed = keys.filter((key) => this.#sql.remove.run(key).changes > 0);
    return removed.map((key) => ({ key, entry: undefined }));
  }

  /** Keys of one lease, or of any for null. */
  #removeLeased(lease: string | null): void {
    this.#commit(() =>
      this.#removeKeys(this.#sql.leased.all(lease, lease).map((row) => String(row['key']))),
    );
  }

  get(key: string): Promise<Versioned | undefined> {
    return attempt(() => this.#get(key));
  }

  list(prefix: string): Promise<{ entries: readonly Versioned[]; revision: number }> {
    return attempt(() => ({ entries: this.#list(prefix), revision: this.#revision() }));
  }

  transact(transaction: Transaction): Promise<TransactionResult> {
    return attempt((): TransactionResult => {
      checkTransaction(transaction);
      if (!transaction.compare.every((compare) => this.#holds(compare))) {
        const reads = (transaction.readOnFailure ?? []).map((key) => this.#get(key));
        return { committed: false, revision: this.#revision(), reads };
      }
      const revision = this.#commit((at) =>
        transaction.writes.flatMap((step) => this.#write(step, at)),
      );
      return { committed: true, revision };
    });
  }

  lease(ttlMs: number): Promise<Lease> {
    return attempt(() => {
      const id = String(++this.#leaseCount);
      const lost = new AbortController();
      const lease: Lease = {
        id,
        ttlMs,
        lost: lost.signal,
        // The store lives in the process that holds the lease: it cannot outlive it, nor expire before it.
        isAlive: () => !lost.signal.aborted,
        revoke: () => {
          if (this.#leases.delete(id)) this.#removeLeased(id);
          lost.abort();
          return Promise.resolve();
        },
      };
      this.#leases.set(id, lease);
      return lease;
    });
  }

  mirror(prefix: string, onChange: (changes: readonly Change[]) => void): Mirror {
    const state = createMirrorState(onChange, {
      clock: this.#clock,
      onClose: () => this.#mirrors.delete(entry),
      onBehind: () => undefined,
    });
    const entry = { prefix, state };
    this.#mirrors.add(entry);
    queueMicrotask(() => {
      if (!this.#isOpen) return;
      state.setConnected(true);
      state.replace(this.#list(prefix), this.#revision());
    });
    return state.mirror;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    await Promise.all([...this.#leases.values()].map((lease) => lease.revoke()));
    for (const { state } of this.#mirrors) state.mirror.close();
    this.#isOpen = false;
    this.#database.close();
  }
}

// Synchronous work behind an asynchronous port: errors reject, they are never thrown at the caller.
async function attempt<T>(work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      'transient',
      'StoreUnavailable',
      `the metadata store did not answer: ${messageOf(error)}`,
      error,
    );
  }
}

function versioned(row: Record<string, unknown>): Versioned {
  return {
    key: String(row['key']),
    value: String(row['value']),
    modRevision: Number(row['mod']),
    createRevision: Number(row['created']),
  };
}
