import { createHash } from 'node:crypto';
import {
  closeSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, expect, test } from 'vitest';
import { isFailure } from '../../core/runtime/failure.ts';
import { zipBytes, zipDirectory } from './zip-writer.ts';
import { unzipSegment, zipSegment } from './zip.ts';

const root = mkdtempSync(join(tmpdir(), 'zip-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FILES: Readonly<Record<string, string>> = {
  '00000.smoosh': 'x'.repeat(100_000),
  'factory.json': '{}',
  'meta.smoosh': 'v1,2147483647,1\n',
  'version.bin': '\0\0\0\t',
};

function folder(name: string): string {
  const dir = join(root, name);
  mkdirSync(dir);
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(dir, file), text);
  return dir;
}

async function zipOf(
  name: string,
  entries: readonly (readonly [string, string])[],
): Promise<string> {
  const sources = entries.map(([file, text], i) => {
    const path = join(root, `${name}.${i}`);
    writeFileSync(path, text);
    return { name: file, path };
  });
  const path = join(root, name);
  await pipeline(zipBytes(sources), createWriteStream(path));
  return path;
}

test('a segment packs flat, the same each time, and unpacks', async () => {
  const dir = folder('packed');
  writeFileSync(join(dir, 'stray.tmp'), 'not of the segment');
  const first = await zipSegment(dir, join(root, 'a.zip'));
  const second = await zipSegment(dir, join(root, 'b.zip'));
  expect(second).toEqual(first);
  const bytes = readFileSync(join(root, 'a.zip'));
  expect(first.bytes).toBe(bytes.length);
  expect(first.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  const out = join(root, 'unpacked');
  const total = Object.values(FILES).reduce((sum, text) => sum + text.length, 0);
  expect(await unzipSegment(join(root, 'a.zip'), out, { bytesMax: total })).toMatchObject({
    bytes: total,
  });
  expect(readdirSync(out).toSorted()).toEqual(Object.keys(FILES).toSorted());
  for (const [file, text] of Object.entries(FILES))
    expect(readFileSync(join(out, file), 'utf8')).toBe(text);
  await expect(zipSegment(dir, join(root, 'a.zip'))).rejects.toMatchObject({
    code: 'SegmentUnwritable',
  });
});

test('what is no segment is refused and leaves nothing', async () => {
  const good = Object.entries(FILES);
  const patched = async (name: string, from: string, to: string): Promise<string> => {
    const path = await zipOf(name, [...good, ['00001.smoosh', 'second']]);
    const text = readFileSync(path, 'latin1').replaceAll(from, to);
    writeFileSync(path, text, 'latin1');
    return path;
  };
  const cases: (readonly [string, RegExp])[] = [
    [await zipOf('unknown.zip', [...good, ['notes.txt', 'x']]), /notes\.txt/],
    [await zipOf('nested.zip', [...good, ['sub/00001.smoosh', 'x']]), /sub\/00001/],
    [await zipOf('twice.zip', [...good, ['version.bin', 'x']]), /version\.bin/],
    [await zipOf('partial.zip', good.slice(0, 1)), /no meta\.smoosh/],
    [await zipOf('bomb.zip', [...good, ['00001.smoosh', '0'.repeat(5_000_000)]]), /are allowed/],
    [await patched('dots.zip', '00001.smoosh', '../01.smoosh'), /\.\.|relative/],
    [await patched('absolute.zip', '00001.smoosh', '/0001.smoosh'), /absolute/],
  ];
  const path = await zipOf('flipped.zip', good);
  const zip = readFileSync(path);
  // Deflated data of the first file starts behind its local header.
  zip[30 + '00000.smoosh'.length + 12]! ^= 0x10;
  writeFileSync(path, zip);
  cases.push([path, /checksum|invalid|bytes/]);
  writeFileSync(join(root, 'text.zip'), 'this is no zip');
  cases.push([join(root, 'text.zip'), /text\.zip/]);
  for (const [zipPath, message] of cases) {
    const out = join(root, 'refused');
    const error: unknown = await unzipSegment(zipPath, out, { bytesMax: 1_000_000 }).catch(
      (e: unknown) => e,
    );
    expect(isFailure(error, 'corrupt'), `${zipPath}: ${String(error)}`).toBe(true);
    expect(String(error)).toMatch(message);
    expect(existsSync(out)).toBe(false);
  }
  expect(cases.length).toBe(9);
});

test('an entry that holds more than it declares is cut off', async () => {
  const path = await zipOf('liar.zip', [
    ...Object.entries(FILES).slice(1),
    ['00000.smoosh', '0'.repeat(400_000)],
  ]);
  const zip = readFileSync(path);
  const directory = zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
  // Uncompressed size in the central directory.
  zip.writeUInt32LE(1000, directory + 24);
  writeFileSync(path, zip);
  const out = join(root, 'liar');
  await expect(unzipSegment(path, out, { bytesMax: 1_000_000 })).rejects.toMatchObject({
    code: 'SegmentCorrupt',
  });
  expect(existsSync(out)).toBe(false);
});

test('a zip of more than 4 GiB has its directory and files found', async () => {
  const start = 5 * 2 ** 30;
  const entries = [];
  const path = join(root, 'wide.zip');
  // A hole before the files stands for the gigabytes.
  const file = openSync(path, 'w');
  let at = start;
  for (const [name, text] of Object.entries(FILES)) {
    const zip = readFileSync(await zipOf('one.zip', [[name, text]]));
    const directory = zip.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
    const [crc, packedBytes] = [zip.readUInt32LE(directory + 16), zip.readUInt32LE(directory + 20)];
    entries.push({ name, crc32: crc, packedBytes, bytes: text.length, offset: at });
    at += writeSync(file, zip, 0, directory, at);
  }
  const end = zipDirectory(entries, at);
  writeSync(file, end, 0, end.length, at);
  closeSync(file);
  const { hashes } = await unzipSegment(path, join(root, 'wide'), { bytesMax: 1_000_000 });
  expect([...hashes.keys()]).toEqual(Object.keys(FILES));
  for (const [name, text] of Object.entries(FILES))
    expect(readFileSync(join(root, 'wide', name), 'utf8')).toBe(text);
});

test('a file that cannot be read fails the packing', async () => {
  const dir = folder('unreadable');
  symlinkSync(join(root, 'nowhere'), join(dir, '00001.smoosh'));
  const error: unknown = await zipSegment(dir, join(root, 'never.zip')).catch((e: unknown) => e);
  expect(isFailure(error, 'transient'), String(error)).toBe(true);
  expect(String(error)).toMatch(/00001\.smoosh/);
});
