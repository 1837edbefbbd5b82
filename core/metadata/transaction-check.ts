// What every store refuses before it sends a transaction, so that a mistake fails the same on all of them and
// never as a riddle of the server. Used by the adapters.

import { Failure } from '../runtime/failure.ts';
import {
  MAX_TRANSACTION_OPERATIONS,
  MAX_VALUE_BYTES,
  type Transaction,
  type Write,
} from './port.ts';

/**
 * Checks the bounds of protocol.md 1.
 *
 * @throws Failure `bug` TransactionTooLarge, ValueTooLong, KeyWrittenTwice; `fenced` LeaseLost when a write
 *         names a lease that is no longer alive
 */
export function checkTransaction(transaction: Transaction): void {
  const { compare, writes, readOnFailure = [] } = transaction;
  for (const [name, count] of [
    ['compare', compare.length],
    ['writes', writes.length],
    ['readOnFailure', readOnFailure.length],
  ] as const) {
    if (count > MAX_TRANSACTION_OPERATIONS) {
      const text = `${name}: ${count} operations, at most ${MAX_TRANSACTION_OPERATIONS} fit a transaction; split it`;
      throw new Failure('bug', 'TransactionTooLarge', text);
    }
  }
  const written = new Set<string>();
  for (const write of writes) {
    const key = keyOf(write);
    if (written.has(key)) throw twice(key);
    written.add(key);
    if ('put' in write) checkPut(write.put, write.value, write.lease);
  }
  checkPrefixes(writes);
}

function checkPut(
  key: string,
  value: string,
  lease: Extract<Write, { put: string }>['lease'],
): void {
  // Cheap bound first: a UTF-16 unit is at most three bytes.
  if (value.length * 3 > MAX_VALUE_BYTES && Buffer.byteLength(value) > MAX_VALUE_BYTES) {
    throw new Failure(
      'bug',
      'ValueTooLong',
      `${key}: ${Buffer.byteLength(value)} bytes, at most ${MAX_VALUE_BYTES} are stored`,
    );
  }
  if (lease !== undefined && !lease.isAlive()) {
    throw new Failure(
      'fenced',
      'LeaseLost',
      `${key}: lease ${lease.id} is no longer alive; nothing was written`,
    );
  }
}

function checkPrefixes(writes: readonly Write[]): void {
  for (const write of writes) {
    if (!('deletePrefix' in write)) continue;
    for (const other of writes) {
      if (other !== write && keyOf(other).startsWith(write.deletePrefix)) throw twice(keyOf(other));
    }
  }
}

function keyOf(write: Write): string {
  if ('put' in write) return write.put;
  return 'delete' in write ? write.delete : write.deletePrefix;
}

function twice(key: string): Failure {
  return new Failure('bug', 'KeyWrittenTwice', `${key} is written twice in one transaction`);
}
