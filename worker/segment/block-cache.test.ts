import { expect, test } from 'vitest';
import {
  BlockCache,
  cachedBlocks,
  type CachedBlocks,
  type Decoded,
  type ReadContext,
  type TakeBytes,
} from './block-cache.ts';

test('bytes stay within the bound, and blocks in use stay longer', () => {
  const cache = new BlockCache(100);
  const context: ReadContext = { cache, closers: [] };
  const decoded: number[] = [];
  const blocks = cachedBlocks(context, (index) => {
    decoded.push(index);
    return { value: `block ${index}`, bytes: 30 };
  });
  for (const index of [0, 1, 2]) expect(blocks.get(index)).toBe(`block ${index}`);
  expect([blocks.get(0), blocks.get(0), cache.bytes]).toEqual(['block 0', 'block 0', 90]);
  // 3 pushes out 1: 0 was used since it came.
  blocks.get(3);
  expect(cache.bytes).toBe(90);
  blocks.get(0);
  expect(decoded).toEqual([0, 1, 2, 3]);
  blocks.get(1);
  expect(decoded).toEqual([0, 1, 2, 3, 1]);
  for (const close of context.closers) close();
  expect(cache.bytes).toBe(0);
});

test('a block larger than the bound is usable, and not kept', () => {
  const cache = new BlockCache(10);
  const blocks = cachedBlocks({ cache, closers: [] }, () => ({ value: 'large', bytes: 1000 }));
  expect(blocks.get(0)).toBe('large');
  expect(cache.bytes).toBe(0);
});

/** Blocks whose every byte is their number, in memory of the cache. */
function filled(
  cache: BlockCache,
  bytes: number,
  isScanned = false,
  decoded: number[] = [],
): { blocks: CachedBlocks<Uint8Array>; close(): void } {
  const context: ReadContext = { cache, closers: [] };
  const decode = (index: number, take: TakeBytes): Decoded<Uint8Array> => {
    decoded.push(index);
    const value = new Uint8Array(take(bytes)).fill(index);
    return { value, bytes, buffer: value.buffer };
  };
  const blocks = cachedBlocks(context, decode, isScanned);
  return { blocks, close: () => context.closers.forEach((close) => close()) };
}

test('a block takes the memory of the one it pushes out, unless that is lent', () => {
  const cache = new BlockCache(100);
  const { blocks } = filled(cache, 40);
  const other = filled(cache, 40).blocks;
  const first = blocks.get(0).buffer;
  const lent = blocks.lend(1);
  expect(blocks.get(2).buffer).toBe(first);
  // Its turn comes while it is lent: it goes, and what is held of it stays as it was.
  for (const index of [3, 4, 5, 6]) other.get(index);
  expect([...lent]).toEqual(Array(40).fill(1));
  for (const index of [3, 4, 5, 6, 1, 2]) {
    expect(blocks.get(index)[39]).toBe(index);
    expect(blocks.get(index).buffer).not.toBe(lent.buffer);
    expect(cache.heldBytes).toBeLessThanOrEqual(100);
  }
});

test('memory of a closed segment is used for the next, within the bound', () => {
  const cache = new BlockCache(800);
  const one = filled(cache, 10);
  const buffers = Array.from({ length: 20 }, (_, index) => one.blocks.get(index).buffer);
  const lent = one.blocks.lend(19).buffer;
  one.close();
  // An eighth is kept: ten blocks.
  expect([cache.bytes, cache.heldBytes]).toEqual([0, 100]);
  const two = filled(cache, 10);
  const reused = Array.from({ length: 20 }, (_, index) => two.blocks.get(index).buffer);
  expect(reused.filter((buffer) => buffers.includes(buffer))).toHaveLength(10);
  expect(reused).not.toContain(lent);
  two.close();
  // Blocks of another size need the room.
  const three = filled(cache, 390);
  for (const index of [0, 1]) three.blocks.get(index);
  expect(cache.heldBytes).toBe(780);
});

test('a scan goes through a few blocks of memory; what is decoded again stays, and no scan pushes it out', () => {
  const cache = new BlockCache(800);
  const decoded: number[] = [];
  const { blocks, close } = filled(cache, 20, true, decoded);
  const all = Array.from({ length: 60 }, (_, index) => index);
  const read = (): Uint8Array[] =>
    all.map((index) => {
      // Looked at twice in a row, as by two vectors of rows: decoded once.
      expect(blocks.get(index)).toBe(blocks.get(index));
      expect([...blocks.get(index)]).toEqual(Array(20).fill(index));
      return blocks.get(index);
    });
  const first = read();
  expect(decoded).toEqual(all);
  // An eighth of the bound is 5 blocks.
  expect([new Set(first.map(({ buffer }) => buffer)).size, cache.bytes]).toEqual([5, 100]);
  // Blocks 10 to 19 are decoded once more, and found from then on.
  for (const _again of [1, 2]) for (let index = 10; index < 20; index++) blocks.get(index);
  expect(decoded).toEqual([...all, ...all.slice(10, 20)]);
  const other = filled(cache, 20, true);
  for (const index of all) other.blocks.get(index);
  for (let index = 10; index < 20; index++) expect(blocks.get(index)[0]).toBe(index);
  expect(decoded).toHaveLength(70);
  expect(cache.heldBytes).toBeLessThanOrEqual(800);
  close();
  other.close();
  expect(cache.bytes).toBe(0);
});

test('a first look is one; who asks later has the block decoded to stay', () => {
  const decoded: number[] = [];
  const { blocks } = filled(new BlockCache(800), 20, true, decoded);
  expect([blocks.isFirstLook(3), blocks.isFirstLook(3)]).toEqual([true, false]);
  for (let index = 0; index < 30; index++) blocks.get(index);
  expect(blocks.get(3)[0]).toBe(3);
  expect(decoded).toEqual(Array.from({ length: 30 }, (_, index) => index));
  expect([blocks.isFirstLook(3), blocks.isFirstLook(0)]).toEqual([false, false]);
});

test('a block lent at its first look stays as it is while the scan goes on', () => {
  const { blocks } = filled(new BlockCache(800), 20, true);
  const lent = blocks.lend(0);
  for (let index = 1; index < 30; index++) blocks.get(index);
  expect([...lent]).toEqual(Array(20).fill(0));
});
