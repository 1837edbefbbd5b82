// The metadata store on etcd, through etcd3's raw clients: connections, authentication and streams are the
// library's; retries, lease accounting and watch resume are ours (performance.md 10).

import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import type { Lease, MetadataStore, Mirror, TransactionResult, Versioned } from '../port.ts';
import { checkTransaction } from '../transaction-check.ts';
import { classify } from './classify.ts';
import { grantLease } from './lease.ts';
import { startMirror } from './mirror.ts';
import { type KeySpace, keySpace, rangeEnd, toVersioned, txnRequest } from './wire.ts';

// Keys a page: with inline publications of 256 KiB a page stays below 64 MiB.
const PAGE_KEYS = 250;

/** How to reach etcd. */
export interface EtcdOptions {
  /** `http://host:port` or `https://`. */
  readonly hosts: readonly string[];
  /** Prefix of every key, so that one etcd serves several installations; default `sluice/`. */
  readonly root?: string;
  /** Read whenever the server asks for it, so that a rotated pair is used once the old one is refused. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** PEM texts. */
  readonly tls?: { readonly ca: Uint8Array; readonly cert?: Uint8Array; readonly key?: Uint8Array };
  /** Longest wait for an answer; default 5 s. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** A client of etcd. Connects lazily: a wrong address shows at the first call. */
export function openEtcdStore(options: EtcdOptions): MetadataStore {
  const clock = options.clock ?? systemClock;
  const space = keySpace(options.root ?? 'sluice/');
  const client = createClient(options, clock);
  const leases = new Set<Lease>();
  const mirrors = new Set<Mirror>();

  async function get(key: string): Promise<Versioned | undefined> {
    const answer = await call(`get ${key}`, client.kv.range({ key: space.toBytes(key) }));
    const [kv] = answer.kvs;
    return kv === undefined ? undefined : toVersioned(kv, space);
  }

  const list = (prefix: string): Promise<Listed> => listPrefix(client, space, prefix);

  return {
    get,
    list,
    async transact(transaction): Promise<TransactionResult> {
      checkTransaction(transaction);
      const answer = await call('transaction', client.kv.txn(txnRequest(transaction, space)));
      const revision = Number(answer.header.revision);
      if (answer.succeeded) return { committed: true, revision };
      const reads = answer.responses.map(({ response_range: range }) => range.kvs[0]);
      return {
        committed: false,
        revision,
        reads: reads.map((kv) => (kv === undefined ? undefined : toVersioned(kv, space))),
      };
    },
    async lease(ttlMs) {
      const lease = await grantLease(client, ttlMs, clock);
      leases.add(lease);
      lease.lost.addEventListener('abort', () => leases.delete(lease), { once: true });
      return lease;
    },
    mirror(prefix, onChange) {
      const mirror = startMirror({ client, space, clock, list }, prefix, onChange);
      mirrors.add(mirror);
      return mirror;
    },
    async close() {
      for (const mirror of mirrors) mirror.close();
      await Promise.all([...leases].map((lease) => lease.revoke()));
      client.close();
    },
  };
}

interface Listed {
  readonly entries: Versioned[];
  readonly revision: number;
}

async function listPrefix(client: Etcd3, space: KeySpace, prefix: string): Promise<Listed> {
  for (;;) {
    const pages = await listAtOneRevision(client, space, prefix);
    if (pages !== undefined) return pages;
  }
}

// Undefined when the revision was compacted between two pages: the caller begins again at a newer one.
async function listAtOneRevision(
  client: Etcd3,
  space: KeySpace,
  prefix: string,
): Promise<Listed | undefined> {
  const end = rangeEnd(space.toBytes(prefix));
  const entries: Versioned[] = [];
  let revision = 0;
  for (let from = space.toBytes(prefix); ;) {
    const request = { key: from, range_end: end, limit: PAGE_KEYS, revision };
    try {
      const page = await client.kv.range(request);
      revision = revision === 0 ? Number(page.header.revision) : revision;
      for (const kv of page.kvs) entries.push(toVersioned(kv, space));
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return { entries, revision };
      from = Buffer.concat([last.key, Buffer.alloc(1)]);
    } catch (error) {
      if (revision > 0 && String(error).includes('compacted')) return undefined;
      throw classify(error, `list ${prefix}`);
    }
  }
}

async function call<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw classify(error, what);
  }
}

function createClient(options: EtcdOptions, clock: Clock): Etcd3 {
  const { auth, tls } = options;
  const timeoutMs = options.timeoutMs ?? 5000;
  const pem = (text: Uint8Array): Buffer => Buffer.from(text);
  return new Etcd3({
    hosts: [...options.hosts],
    ...(auth === undefined ? {} : { auth }),
    ...(tls === undefined
      ? {}
      : {
          credentials: {
            rootCertificate: pem(tls.ca),
            ...(tls.key === undefined ? {} : { privateKey: pem(tls.key) }),
            ...(tls.cert === undefined ? {} : { certChain: pem(tls.cert) }),
          },
        }),
    // The default circuit breaker makes one oversized put or a short outage fail every call for 5 s.
    faultHandling: { host: () => noop, global: noop },
    defaultCallOptions: (context) =>
      context.isStream ? {} : { deadline: clock.nowMs() + timeoutMs },
    grpcOptions: {
      'grpc.max_receive_message_length': -1,
      // Back within half a second of a restart.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 500,
      // A frozen server or a cut cable is noticed without traffic; etcd allows one ping in five seconds.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 3000,
    },
  });
}
