// Between etcd's byte keys and text revisions and the port's types. Pure; used by the files of this folder.

import type { IKeyValue, ITxnRequest } from 'etcd3';
import type { Compare, Transaction, Versioned, Write } from '../port.ts';

/** The end of the range that holds every key with this prefix (UTF-8 never ends in 0xff). */
export function rangeEnd(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  end.writeUInt8((end[last] ?? 0) + 1, last);
  return end;
}

/** Keys of one installation: everything is stored under `root`, which the port never shows. */
export interface KeySpace {
  toBytes(key: string): Buffer;
  toKey(bytes: Buffer): string;
}

/** The key space under `root`, such as `sluice/`. */
export function keySpace(root: string): KeySpace {
  return {
    toBytes: (key) => Buffer.from(root + key),
    toKey: (bytes) => bytes.toString('utf8').slice(root.length),
  };
}

/** An entry as the port shows it. Revisions are exact below 2^53: 285 years at a million writes a second. */
export function toVersioned(kv: IKeyValue, space: KeySpace): Versioned {
  return {
    key: space.toKey(kv.key),
    value: kv.value.toString('utf8'),
    modRevision: Number(kv.mod_revision),
    createRevision: Number(kv.create_revision),
  };
}

/** The request for a transaction. */
export function txnRequest(transaction: Transaction, space: KeySpace): ITxnRequest {
  return {
    compare: transaction.compare.map((compare) => compareRequest(compare, space)),
    success: transaction.writes.map((write) => writeRequest(write, space)),
    failure: (transaction.readOnFailure ?? []).map((key) => ({
      request_range: { key: space.toBytes(key) },
    })),
  };
}

function compareRequest(
  compare: Compare,
  space: KeySpace,
): NonNullable<ITxnRequest['compare']>[number] {
  if ('key' in compare) {
    return {
      key: space.toBytes(compare.key),
      target: 'Mod',
      result: 'Equal',
      mod_revision: compare.modRevision,
    };
  }
  // A range compare holds for each key of the range, and for none when there is none: no key has revision 0.
  const prefix = space.toBytes(compare.emptyPrefix);
  return {
    key: prefix,
    range_end: rangeEnd(prefix),
    target: 'Mod',
    result: 'Equal',
    mod_revision: 0,
  };
}

function writeRequest(write: Write, space: KeySpace): NonNullable<ITxnRequest['success']>[number] {
  if ('put' in write) {
    const lease = write.lease === undefined ? {} : { lease: write.lease.id };
    return {
      request_put: { key: space.toBytes(write.put), value: Buffer.from(write.value), ...lease },
    };
  }
  if ('delete' in write) return { request_delete_range: { key: space.toBytes(write.delete) } };
  const prefix = space.toBytes(write.deletePrefix);
  return { request_delete_range: { key: prefix, range_end: rangeEnd(prefix) } };
}
