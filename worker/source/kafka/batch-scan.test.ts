import { expect, test } from 'vitest';
import { scanBatches } from './batch-scan.ts';

function header(base: number, lastOffsetDelta: number, bytes: number, epoch: number): Buffer {
  const batch = Buffer.alloc(bytes);
  batch.writeBigInt64BE(BigInt(base), 0);
  batch.writeInt32BE(bytes - 12, 8);
  batch.writeInt32BE(epoch, 12);
  batch.writeInt8(2, 16);
  batch.writeInt32BE(lastOffsetDelta, 23);
  return batch;
}

test('the next offset follows the last whole batch, over gaps of any size', () => {
  const first = header(10, 4, 100, 3);
  const far = header(2 ** 40, 0, 61, 4);
  expect(scanBatches(Buffer.concat([first, far]), 10)).toEqual({
    bytes: 161,
    nextOffset: 2 ** 40 + 1,
    leaderEpoch: 4,
  });
  for (let cut = 1; cut < far.length; cut++) {
    const partial = Buffer.concat([first, far.subarray(0, cut)]);
    expect(scanBatches(partial, 10)).toEqual({ bytes: 100, nextOffset: 15, leaderEpoch: 3 });
  }
});

test('what cannot be a batch ends the scan without moving the offset', () => {
  const nothing = { bytes: 0, nextOffset: 7, leaderEpoch: -1 };
  expect(scanBatches(Buffer.alloc(0), 7)).toEqual(nothing);
  for (const length of [-1, 0, 48, 0x7fffffff]) {
    const bad = header(10, 0, 100, 0);
    bad.writeInt32BE(length, 8);
    expect(scanBatches(bad, 7)).toEqual(nothing);
  }
  const old = header(10, 0, 100, 0);
  old.writeInt8(1, 16);
  expect(scanBatches(old, 7)).toEqual(nothing);
});
