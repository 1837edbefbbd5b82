import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { BlockCache } from './block-cache.ts';
import { openSegment } from './reader.ts';
import { SegmentFiles } from './segment-files.ts';
import {
  changedAt,
  HashTaker,
  readHashes,
  type SegmentHashes,
  STRETCH_BYTES,
  writeHashes,
} from './segment-hashes.ts';
import { unzipSegment } from './zip.ts';

// Every byte that a reader takes from the disk is compared with the hashes taken at load.

const GOLDEN = fileURLToPath(new URL('../../test/druid/golden/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'hashes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function load(path: string): Promise<{ dir: string; hashes: SegmentHashes; file: string }> {
  const dir = join(root, path.replace('/', '-'));
  const { hashes } = await unzipSegment(join(GOLDEN, path), dir, { bytesMax: 1 << 26 });
  const file = `${dir}.hashes`;
  writeFileSync(file, writeHashes(hashes));
  return { dir, hashes, file };
}

/** Reads every byte of every internal file, in reads of `step`. */
function readAll(files: SegmentFiles, step: number): number {
  let bytes = 0;
  for (const { name, bytes: length } of files.list())
    for (let at = 0; at < length; at += step)
      bytes += files.file(name).read(at, Math.min(step, length - at)).length;
  return bytes;
}

test('hashes survive their file, and a damaged file of hashes is refused wherever it is damaged', async () => {
  const { dir, hashes, file } = await load('wiki/segment-0.zip');
  expect(new Map(readHashes(file, dir))).toEqual(hashes);
  const sound = readFileSync(file);
  let checked = 0;
  for (let at = 0; at < sound.length; at += 7) {
    const bytes = Buffer.from(sound);
    bytes[at]! ^= 1 << (at % 8);
    writeFileSync(file, bytes);
    expect(() => readHashes(file, dir)).toThrow(/segment .*wiki-segment-0.zip.hashes at offset/);
    checked++;
  }
  writeFileSync(file, sound.subarray(0, 3));
  expect(() => readHashes(file, dir)).toThrow(/differs from its own hash/);
  rmSync(file);
  expect(() => readHashes(file, dir)).toThrow(/is missing/);
  expect(checked).toBeGreaterThan(50);
});

test('stretches do not depend on how the bytes came', () => {
  const bytes = Buffer.from(
    Array.from({ length: 3 * STRETCH_BYTES + 5 }, (_, i) => (i * 31) % 251),
  );
  for (const step of [1000, STRETCH_BYTES - 1, STRETCH_BYTES, bytes.length]) {
    const taker = new HashTaker();
    for (let at = 0; at < bytes.length; at += step) taker.add(bytes.subarray(at, at + step));
    const hashes = taker.done();
    expect(hashes.stretches.length).toBe(4);
    expect(changedAt(bytes, hashes)).toBeUndefined();
    expect(changedAt(bytes.subarray(0, -1), hashes)).toBe(3 * STRETCH_BYTES);
    bytes[STRETCH_BYTES]! ^= 4;
    expect(changedAt(bytes, hashes)).toBe(STRETCH_BYTES);
    bytes[STRETCH_BYTES]! ^= 4;
  }
});

test('a bit of any internal file, changed under an open segment, is found by who reads it', async () => {
  const { dir, hashes } = await load('wiki/segment-1.zip');
  const plain = new SegmentFiles(dir);
  const chunk = join(dir, '00000.smoosh');
  const sound = readFileSync(chunk);
  const lines = readFileSync(join(dir, 'meta.smoosh'), 'utf8').trim().split('\n').slice(1);
  let found = 0;
  for (const line of lines) {
    const [name = '', , start = '', end = ''] = line.split(',');
    const length = Number(end) - Number(start);
    for (const part of [0, 0.37, 0.99]) {
      const files = new SegmentFiles(dir, hashes);
      const at = Math.floor(length * part);
      // Its first bytes have been read, soundly.
      files.file(name).read(0, Math.min(16, length));
      const bytes = Buffer.from(sound);
      bytes[Number(start) + at]! ^= 1;
      writeFileSync(chunk, bytes);
      const fresh = new SegmentFiles(dir, hashes);
      expect(() => fresh.file(name).read(at, 1)).toThrow(
        new RegExp(`segment ${dir}: file '${name}' at offset \\d+: the bytes on disk have changed`),
      );
      // What was verified before may be used; what was not is found.
      const value = (): number | undefined => files.file(name).read(at, 1)[0];
      try {
        expect(value()).toBe(sound[Number(start) + at]);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'corrupt', code: 'SegmentChanged' });
      }
      writeFileSync(chunk, sound);
      files.close();
      fresh.close();
      found++;
    }
  }
  expect(found).toBe(3 * lines.length);
  for (const step of [100, 5000, STRETCH_BYTES, 1 << 20]) {
    const files = new SegmentFiles(dir, hashes);
    expect(readAll(files, step)).toBe(readAll(plain, step));
    for (const { name, bytes } of files.list())
      expect(files.file(name).read(0, bytes)).toEqual(plain.file(name).read(0, bytes));
    files.close();
  }
  plain.close();
});

test('files outside of the chunks, and a chunk of another length, are found when the segment is opened', async () => {
  const { dir, file } = await load('tiny/segment-0.zip');
  const options = { cache: new BlockCache(1 << 20), hashFile: file };
  const changed = { kind: 'corrupt', code: 'SegmentChanged' };
  (await openSegment(dir, 'x', options)).close();
  for (const name of ['meta.smoosh', 'version.bin', 'factory.json']) {
    const sound = readFileSync(join(dir, name));
    // Still sound by itself: only the hash can tell.
    const other = name === 'version.bin' ? sound : Buffer.concat([sound, Buffer.from('\n')]);
    writeFileSync(join(dir, name), other);
    if (other !== sound)
      await expect(openSegment(dir, 'x', options)).rejects.toMatchObject(changed);
    writeFileSync(join(dir, name), sound);
  }
  rmSync(join(dir, 'factory.json'));
  await expect(openSegment(dir, 'x', options)).rejects.toMatchObject(changed);
  writeFileSync(join(dir, 'factory.json'), '{"type":"mMapSegmentFactory"}');
  (await openSegment(dir, 'x', options)).close();
  const chunk = join(dir, '00000.smoosh');
  truncateSync(chunk, readFileSync(chunk).length - 1);
  await expect(openSegment(dir, 'x', options)).rejects.toMatchObject(changed);
});
