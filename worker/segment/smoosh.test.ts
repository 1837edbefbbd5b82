import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Cursor } from './internal-file.ts';
import { SegmentFiles } from './segment-files.ts';
import { SmooshWriter } from './smoosh-writer.ts';
import { readSmooshIndex, writeSmooshIndex } from './smoosh.ts';

const root = mkdtempSync(join(tmpdir(), 'smoosh-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a file that does not fit what is left of a chunk starts a new one', () => {
  const dir = join(root, 'chunks');
  const writer = new SmooshWriter(dir, 3_000_000);
  const content = (name: string, length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => (i * 7 + name.length * 13 + (i >> 12)) & 0xff);
  const lengths = { a: 2_000_000, bb: 1_500_000, ccc: 1_400_000, dddd: 10 };
  for (const [name, length] of Object.entries(lengths)) {
    const bytes = content(name, length);
    writer.begin(name);
    const at = writer.reserve(4);
    for (let from = 4; from < length; from += 300_000) {
      writer.bytes(bytes.subarray(from, Math.min(length, from + 300_000)));
    }
    // Long after it was written to disk.
    writer.patch(at, bytes.subarray(0, 4));
    writer.end();
  }
  const size = writer.finish();
  expect(
    readdirSync(dir)
      .filter((name) => name.endsWith('.smoosh'))
      .toSorted(),
  ).toEqual(['00000.smoosh', '00001.smoosh', 'meta.smoosh']);
  const onDisk = readdirSync(dir).map((name) => statSync(join(dir, name)).size);
  expect(size).toBe(onDisk.reduce((a, b) => a + b, 0));
  const files = new SegmentFiles(dir);
  expect(files.sizeBytes).toBe(size);
  for (const [name, length] of Object.entries(lengths)) {
    const file = files.file(name);
    expect(Buffer.compare(file.read(0, file.length), content(name, length)), name).toBe(0);
    expect(() => file.read(file.length - 1, 2)).toThrow(/2 bytes expected, 1 left/);
  }
  // An open file outlives its folder.
  rmSync(dir, { recursive: true });
  expect(files.file('dddd').read(0, 10).length).toBe(10);
  files.close();
});

test('one file beyond the limit is refused by name', () => {
  const writer = new SmooshWriter(join(root, 'large'), 1000);
  writer.begin('wide');
  writer.bytes(new Uint8Array(1001));
  expect(() => writer.end()).toThrow(/'wide' has 1001 bytes/);
  writer.close();
});

test('the index is sorted, and what is wrong with it is said by line', () => {
  const entries = [
    { name: 'b', chunk: 0, start: 3, end: 9 },
    { name: '__time', chunk: 0, start: 0, end: 3 },
  ];
  const text = writeSmooshIndex({ chunks: 1, entries });
  expect(text).toBe('v1,2147483647,1\n__time,0,0,3\nb,0,3,9\n');
  expect(readSmooshIndex(text)).toEqual({ chunks: 1, entries: entries.toReversed() });
  const wrong: (readonly [string, RegExp])[] = [
    ['v2,1,1\n', /line 1/],
    ['v1,1,1\na,b,0,0,3\n', /line 2/],
    ['v1,1,1\na,0,3,2\n', /line 2/],
    ['v1,1,1\na,1,0,1\n', /line 2/],
    ['v1,1,1\na,0,0,1\nb,0,,x\n', /line 3/],
  ];
  for (const [bad, message] of wrong) expect(readSmooshIndex(bad)).toMatch(message);
});

test('numbers of variable length are read low group first', () => {
  const dir = join(root, 'vbyte');
  const writer = new SmooshWriter(dir);
  writer.begin('x');
  writer.bytes(Uint8Array.of(0x85, 0x2c, 0x82, 1, 1, 1, 1, 1, 1));
  writer.end();
  writer.finish();
  const files = new SegmentFiles(dir);
  const cursor = new Cursor(files.file('x'));
  expect([cursor.vbyte(), cursor.vbyte()]).toEqual([5, 300]);
  expect(() => cursor.vbyte()).toThrow(/no end/);
  files.close();
});
