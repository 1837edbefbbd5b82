import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { ComplexColumn } from '../view/view.ts';
import { BlockCache } from './block-cache.ts';
import { openSegment, type SegmentView } from './reader.ts';
import { unzipSegment } from './zip.ts';

// Objects in compressed blocks against the same objects in a plain container, both written by Druid 37.

const GOLDEN = new URL('../../test/druid/golden/encodings/', import.meta.url);
const root = mkdtempSync(join(tmpdir(), 'compressed-objects-'));
const opened: SegmentView[] = [];
afterAll(() => {
  for (const view of opened) view.close();
  rmSync(root, { recursive: true, force: true });
});

async function unpack(name: string): Promise<string> {
  const dir = mkdtempSync(join(root, name));
  const zip = fileURLToPath(new URL(`segment-${name}.zip`, GOLDEN));
  await unzipSegment(zip, dir, { bytesMax: 1 << 24 });
  return dir;
}

async function objectsOf(dir: string): Promise<ComplexColumn> {
  const view = await openSegment(dir, 'x', { cache: new BlockCache(1 << 20) });
  opened.push(view);
  const column = view.column('u');
  if (column?.kind !== 'complex') throw new Error('u is not complex');
  return column;
}

function bytesOf(column: ComplexColumn, row: number): string | undefined {
  const bytes = column.readBytes(row);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}

test('every object is the same as in a plain container', async () => {
  const plain = await objectsOf(await unpack('roaring-lz4'));
  const distinct = new Set<string>();
  for (const name of ['complex-lz4', 'complex-zstd']) {
    const column = await objectsOf(await unpack(name));
    expect(column.typeName).toBe('hyperUnique');
    for (let row = 0; row < 2544; row++) {
      const bytes = bytesOf(column, row);
      expect(bytes, `row ${row} of ${name}`).toBe(bytesOf(plain, row));
      if (bytes !== undefined) distinct.add(bytes);
    }
  }
  expect(distinct.size).toBeGreaterThan(10);
});

test('a bitmap tells null objects, as Druid reads it; a file that is named and missing is corrupt', async () => {
  const dir = await unpack('complex-lz4');
  const chunk = join(dir, '00000.smoosh');
  const meta = join(dir, 'meta.smoosh');
  const sound = readFileSync(chunk, 'latin1');
  // An array container with rows 1 and 5.
  const bitmap = '3a300000' + '01000000' + '00000100' + '10000000' + '01000500';
  const index = Buffer.from(`00000014${bitmap}`, 'hex');
  const lines = readFileSync(meta, 'utf8');
  const withNulls = sound.replace('"fileNameBase":"u","hasNulls":false', (text) =>
    text.replace('false', 'true '),
  );
  expect(withNulls).not.toBe(sound);
  writeFileSync(chunk, Buffer.concat([Buffer.from(withNulls, 'latin1'), index]));
  await expect(objectsOf(dir)).rejects.toThrow(/file 'u.__nullIndex' is not listed/);
  writeFileSync(meta, `${lines}u.__nullIndex,0,${sound.length},${sound.length + index.length}\n`);
  const column = await objectsOf(dir);
  const rows = [0, 1, 2, 3, 4, 5, 6];
  expect(rows.filter((row) => column.readBytes(row) === undefined)).toEqual([1, 5]);

  writeFileSync(meta, lines);
  const other = sound.replace('"fileNameBase":"u"', '"fileNameBase":"v"');
  writeFileSync(chunk, Buffer.from(other, 'latin1'));
  await expect(objectsOf(dir)).rejects.toThrow(/file 'v.__complexColumn' is not listed/);
});
