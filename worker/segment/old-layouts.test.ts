import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BlockCache, type ReadContext } from './block-cache.ts';
import { toBigEndian } from './byte-writer.ts';
import { openColumn } from './column-file.ts';
import { compress } from './compression.ts';
import { IndexedWriter } from './indexed-writer.ts';
import { SegmentFiles } from './segment-files.ts';
import { SmooshWriter } from './smoosh-writer.ts';
import { lzfDecompress } from './lzf.ts';
import { roaringBytes } from './roaring-writer.ts';

// Layouts that no golden segment has: containers over several files, multi-value M2, V1 numbers in LZF, big-endian
// values, and columns that are refused without harm to the rest.

const root = mkdtempSync(join(tmpdir(), 'layouts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function write(fill: (out: SmooshWriter) => void): { files: SegmentFiles; context: ReadContext } {
  const dir = join(root, String(folders++));
  const out = new SmooshWriter(dir);
  fill(out);
  out.finish();
  return { files: new SegmentFiles(dir), context: { cache: new BlockCache(1 << 20), closers: [] } };
}

const STRING = (more: string): string =>
  `{"valueType":"STRING","parts":[{"type":"stringDictionary","bitmapSerdeFactory":{"type":"roaring"}${more}}]}`;

function values(
  out: SmooshWriter,
  items: readonly (Uint8Array | undefined)[],
  sorted = true,
): void {
  const writer = new IndexedWriter(out, items.length, sorted);
  for (const item of items) writer.add(item);
  writer.finish();
}

/** C2 with ids of one byte, in one block. */
function compressedIds(out: SmooshWriter, ids: readonly number[]): void {
  out.bytes(Uint8Array.of(2, 1));
  out.i32(ids.length);
  out.i32(65_536);
  out.u8(1);
  values(out, [compress('lz4', Uint8Array.from(ids))], false);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const bitmap = (...rows: number[]): Uint8Array =>
  roaringBytes(Int32Array.from(rows), 0, rows.length).slice();

test('a dictionary spread over several files, and multi-value ids in the old form', () => {
  const words = ['a', 'b', 'c', 'd', 'e'];
  const { files, context } = write((out) => {
    out.begin('s');
    out.str(STRING(''));
    out.u8(2);
    out.i32(1);
    out.bytes(Uint8Array.of(2, 1));
    out.i32(1);
    out.i32(words.length);
    out.str('base');
    out.u8(2);
    compressedIds(out, [0, 2, 2, 5]);
    compressedIds(out, [0, 1, 2, 3, 4]);
    values(out, [bitmap(0), bitmap(0), bitmap(2), bitmap(2), bitmap(2)], false);
    out.end();
    out.begin('base_header');
    // Little-endian, relative to the value file: two values of five bytes each.
    out.bytes(new Uint8Array(Int32Array.of(5, 10, 5, 10, 5).buffer));
    out.end();
    for (let f = 0; f < 3; f++) {
      out.begin(`base_value_${f}`);
      for (const word of words.slice(2 * f, 2 * f + 2)) {
        out.i32(0);
        out.bytes(utf8(word));
      }
      out.end();
    }
  });
  const column = openColumn(files.file('s'), context, files, 3);
  if (column.kind !== 'string') throw new Error('not a string column');
  expect(words.map((word) => column.dictionary.idOf(word))).toEqual([0, 1, 2, 3, 4]);
  expect([0, 1, 2, 3, 4].map((id) => column.dictionary.value(id))).toEqual(words);
  const lists = { offsets: new Int32Array(0), ids: new Int32Array(0) };
  column.readIdLists(0, 3, lists);
  expect([...lists.offsets.subarray(0, 4)]).toEqual([0, 2, 2, 5]);
  expect([...lists.ids.subarray(0, 5)]).toEqual([0, 1, 2, 3, 4]);
  files.close();
});

test('numbers of the first version, in LZF, and numbers in big-endian', () => {
  const raw = Buffer.from(new BigInt64Array([1n, -2n, 1n << 40n]).buffer);
  const { files, context } = write((out) => {
    out.begin('old');
    out.str('{"valueType":"LONG","parts":[{"type":"long","byteOrder":"LITTLE_ENDIAN"}]}');
    out.u8(1);
    out.i32(3);
    out.i32(8192);
    values(out, [Buffer.concat([Buffer.from([0x5a, 0x56, 0, 0, raw.length]), raw])], false);
    out.end();
    out.begin('big');
    out.str('{"valueType":"FLOAT","parts":[{"type":"float","byteOrder":"BIG_ENDIAN"}]}');
    out.u8(2);
    out.i32(3);
    out.i32(0);
    out.u8(0xfe);
    out.bytes(toBigEndian(new Int32Array(Float32Array.of(1.5, -0.25, 8).buffer)));
    out.end();
  });
  const old = openColumn(files.file('old'), context, files, 3);
  const big = openColumn(files.file('big'), context, files, 3);
  if (old.kind !== 'numeric' || big.kind !== 'numeric') throw new Error('not numeric');
  const longs = new BigInt64Array(3);
  old.readLongs(0, 3, longs);
  expect([...longs]).toEqual([1n, -2n, 1n << 40n]);
  const doubles = new Float64Array(3);
  big.readDoubles(0, 3, doubles);
  expect([...doubles]).toEqual([1.5, -0.25, 8]);
  old.readDoubles(0, 3, doubles);
  expect([...doubles]).toEqual([1, -2, 2 ** 40]);
  expect(() => openColumn(files.file('old'), context, files, 4)).toThrow(
    /3 rows, the segment has 4/,
  );
  files.close();
});

test('LZF matches reach back within their chunk', () => {
  // Literals "ab", then a match of 6 from 2 back, then one of 9 + 1 from 1 back.
  const data = [1, 0x61, 0x62, 0x80, 1, 0xe0, 1, 0];
  const src = Uint8Array.from([0x5a, 0x56, 1, 0, data.length, 0, 18, ...data]);
  const out = new Uint8Array(18);
  expect(lzfDecompress(src, out)).toBe(18);
  expect(Buffer.from(out).toString()).toBe('abababab' + 'b'.repeat(10));
  expect(lzfDecompress(src, new Uint8Array(17))).toBe(-1);
  expect(lzfDecompress(src.subarray(0, 14), out)).toBe(-1);
});

test('layouts that are not read are refused by column', () => {
  const { files, context } = write((out) => {
    for (const [name, part, first] of [
      ['nested', '{"type":"nestedCommonFormat","logicalType":"STRING"}', 0],
      ['packed', '{"type":"complex","typeName":"hyperUnique"}', 0x7f],
      ['blocks', '{"type":"complex","typeName":"fixedBuckets"}', 3],
    ] as const) {
      out.begin(name);
      out.str(`{"valueType":"COMPLEX","parts":[${part}]}`);
      out.u8(first);
      out.u8(0);
      out.str(':)\n');
      out.end();
    }
    out.begin('flags');
    out.str(STRING(',"byteOrder":"LITTLE_ENDIAN"'));
    out.u8(2);
    out.i32(16);
    out.end();
  });
  for (const name of ['nested', 'packed', 'blocks']) {
    expect(() => openColumn(files.file(name), context, files, 1)).toThrow(
      new RegExp(`column '${name}'.*cannot be read`),
    );
  }
  expect(() => openColumn(files.file('flags'), context, files, 1)).toThrow(/flags 16/);
  files.close();
});
