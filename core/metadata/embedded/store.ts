// The metadata store of local mode: node:sqlite in this process, in memory or in a file that survives a crash.
// One process at a time; the roles in it share the store object.

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { Failure, messageOf } from '../../runtime/failure.ts';
import { createMirrorState, type MirrorEvent, type MirrorState } from '../mirror-state.ts';
import type {
  Compare,
  Lease,
  MetadataStore,
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
  const database = openDatabase(options.path);
  const statements = prepare(database);
  return createStore(database, statements, options.clock ?? systemClock);
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

function createStore(database: DatabaseSync, sql: Statements, clock: Clock): MetadataStore {
  const mirrors = new Set<{ readonly prefix: string; readonly state: MirrorState }>();
  const leases = new Map<string, Lease>();
  let leaseCount = 0;
  let isOpen = true;

  const revision = (): number => Number(sql.revision.get()?.['value'] ?? 0);
  const get = (key: string): Versioned | undefined => toVersioned(sql.get.get(key));
  const list = (prefix: string): Versioned[] =>
    sql.list.all(prefix, prefix + AFTER).map((row) => versioned(row));

  /** Runs `work` as one durable step and tells the mirrors. */
  function commit(work: (at: number) => MirrorEvent[]): number {
    if (!isOpen) throw new Failure('transient', 'StoreUnavailable', 'the metadata store is closed');
    const before = revision();
    let events: MirrorEvent[];
    try {
      database.exec('BEGIN IMMEDIATE');
      events = work(before + 1);
      if (events.length > 0) sql.setRevision.run(before + 1);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw new Failure(
        'transient',
        'StoreUnavailable',
        `metadata could not be written: ${messageOf(error)}`,
        error,
      );
    }
    const at = events.length > 0 ? before + 1 : before;
    // In a later turn: whoever writes is not called back from inside its own call. Order is kept.
    for (const { prefix, state } of mirrors) {
      const mine = events.filter((event) => event.key.startsWith(prefix));
      queueMicrotask(() => state.apply(mine, at));
    }
    return at;
  }

  const holds = (compare: Compare): boolean =>
    'key' in compare
      ? (get(compare.key)?.modRevision ?? 0) === compare.modRevision
      : sql.any.get(compare.emptyPrefix, compare.emptyPrefix + AFTER) === undefined;

  function write(step: Write, at: number): MirrorEvent[] {
    if ('put' in step) {
      const created = get(step.put)?.createRevision ?? at;
      sql.put.run(step.put, step.value, at, created, step.lease?.id ?? null);
      return [
        {
          key: step.put,
          entry: { key: step.put, value: step.value, modRevision: at, createRevision: created },
        },
      ];
    }
    const keys =
      'delete' in step ? [step.delete] : list(step.deletePrefix).map((entry) => entry.key);
    return removeKeys(keys);
  }

  function removeKeys(keys: readonly string[]): MirrorEvent[] {
    return keys
      .filter((key) => sql.remove.run(key).changes > 0)
      .map((key) => ({ key, entry: undefined }));
  }

  function removeLeased(lease: string | null): void {
    commit(() => removeKeys(sql.leased.all(lease, lease).map((row) => String(row['key']))));
  }

  function grant(ttlMs: number): Lease {
    const id = String(++leaseCount);
    const lost = new AbortController();
    const lease: Lease = {
      id,
      ttlMs,
      lost: lost.signal,
      // The store lives in the process that holds the lease: it cannot outlive it, nor expire before it.
      isAlive: () => !lost.signal.aborted,
      revoke() {
        if (leases.delete(id)) removeLeased(id);
        lost.abort();
        return Promise.resolve();
      },
    };
    leases.set(id, lease);
    return lease;
  }

  removeLeased(null);
  return {
    get: (key) => attempt(() => get(key)),
    list: (prefix) => attempt(() => ({ entries: list(prefix), revision: revision() })),
    transact: (transaction: Transaction) =>
      attempt((): TransactionResult => {
        checkTransaction(transaction);
        if (!transaction.compare.every(holds)) {
          return {
            committed: false,
            revision: revision(),
            reads: (transaction.readOnFailure ?? []).map(get),
          };
        }
        return {
          committed: true,
          revision: commit((at) => transaction.writes.flatMap((step) => write(step, at))),
        };
      }),
    lease: (ttlMs) => attempt(() => grant(ttlMs)),
    mirror(prefix, onChange) {
      const state = createMirrorState(onChange, {
        clock,
        onClose: () => mirrors.delete(entry),
        onBehind: () => undefined,
      });
      const entry = { prefix, state };
      mirrors.add(entry);
      queueMicrotask(() => {
        if (!isOpen) return;
        state.setConnected(true);
        state.replace(list(prefix), revision());
      });
      return state.mirror;
    },
    async close() {
      if (!isOpen) return;
      await Promise.all([...leases.values()].map((lease) => lease.revoke()));
      for (const { state } of mirrors) state.mirror.close();
      isOpen = false;
      database.close();
    },
  };
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

function toVersioned(row: Record<string, unknown> | undefined): Versioned | undefined {
  return row === undefined ? undefined : versioned(row);
}

function versioned(row: Record<string, unknown>): Versioned {
  return {
    key: String(row['key']),
    value: String(row['value']),
    modRevision: Number(row['mod']),
    createRevision: Number(row['created']),
  };
}
