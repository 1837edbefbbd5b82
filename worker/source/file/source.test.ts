import {
  appendFileSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { Source } from '../port.ts';
import { readUntil, sourceContract } from '../source.contract.ts';
import { createRecordSlices } from '../walker.ts';
import { identityOf } from './file-identity.ts';
import { createLineWalker } from './line-walker.ts';
import { openFileSource } from './source.ts';

const NEVER = new AbortController().signal;
const QUICK = { pollMs: 10, settleMs: 60, blockBytes: 64 * 1024 };

for (const suffix of ['', '.gz']) {
  sourceContract(`file ${suffix === '' ? 'plain' : 'gzip'}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-file-source-'));
    let streams = 0;
    return Promise.resolve({
      stream() {
        const name = `s${++streams}`;
        const paths = [0, 1].map((partition) =>
          join(folder, `${name}-${partition}.ndjson${suffix}`),
        );
        for (const path of paths) writeFileSync(path, '');
        return Promise.resolve({
          open: (options = {}) => openFileSource({ paths, ...QUICK, ...options }),
          walker: createLineWalker(),
          append(partition, values) {
            const text = values.map((value) => `${value}\n`).join('');
            appendFileSync(paths[partition] ?? '', suffix === '' ? text : gzipSync(text));
            return Promise.resolve();
          },
          replace() {
            for (const path of paths) writeFileSync(path, '');
            return Promise.resolve();
          },
        });
      },
      close: () => Promise.resolve(rmSync(folder, { recursive: true })),
    });
  });
}

function file(name: string, content: string | Buffer): { path: string; source: Source } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-file-source-'));
  const path = join(folder, name);
  writeFileSync(path, content);
  const source = openFileSource({ paths: [path], ...QUICK });
  onTestFinished(async () => {
    await source.close();
    rmSync(folder, { recursive: true });
  });
  return { path, source };
}

test('a last line without an end is taken once it stands still; a line being written is not', async () => {
  const { path, source } = file('a.ndjson', 'one\ntw');
  source.assign(0, 0, -1);
  appendFileSync(path, 'o\nthree');
  const { records, sets } = await readUntil(
    source,
    createLineWalker(),
    (r) => r.get(0)?.length === 3,
  );
  expect(records.get(0)).toEqual([
    { offset: 0, value: 'one' },
    { offset: 4, value: 'two' },
    { offset: 8, value: 'three' },
  ]);
  expect(sets.at(-1)?.nextOffset).toBe(13);
});

test('a gzip file cut off in the middle gives what is whole and goes on when it is completed', async () => {
  const lines = Array.from({ length: 2000 }, (_, i) => `line ${i} ${(i * 7919) % 1009}`);
  const packed = gzipSync(`${lines.join('\n')}\n`);
  const { path, source } = file('a.gz', packed.subarray(0, packed.length >> 1));
  source.assign(0, 0, -1);
  const first = await readUntil(source, createLineWalker(), (r) => (r.get(0)?.length ?? 0) > 0);
  appendFileSync(path, packed.subarray(packed.length >> 1));
  const count = first.records.get(0)?.length ?? 0;
  const rest = await readUntil(
    source,
    createLineWalker(),
    (r) => (r.get(0)?.length ?? 0) + count >= 2000,
  );
  const all = [...(first.records.get(0) ?? []), ...(rest.records.get(0) ?? [])].map((r) => r.value);
  expect(all).toEqual(lines);
});

test('a file that shrinks, disappears or is no gzip stops with its reason', async () => {
  const shrinks = file('a.ndjson', 'one\ntwo\n');
  shrinks.source.assign(0, 0, -1);
  await readUntil(shrinks.source, createLineWalker(), (r) => r.get(0)?.length === 2);
  truncateSync(shrinks.path, 4);
  const { stops } = await readUntil(shrinks.source, createLineWalker(), (_, s) => s.length > 0);
  expect(stops).toMatchObject([
    { reason: 'FileChanged', message: expect.stringContaining(shrinks.path) },
  ]);

  const vanishes = file('b.ndjson', 'one\n');
  vanishes.source.assign(0, 0, -1);
  await readUntil(vanishes.source, createLineWalker(), (r) => r.get(0)?.length === 1);
  unlinkSync(vanishes.path);
  expect(
    (await readUntil(vanishes.source, createLineWalker(), (_, s) => s.length > 0)).stops,
  ).toMatchObject([{ reason: 'TopicMissing' }]);

  const broken = file('c.gz', 'this is no gzip');
  await expect(broken.source.identity(NEVER)).rejects.toMatchObject({
    kind: 'corrupt',
    code: 'FileBroken',
  });
  broken.source.assign(0, 0, -1);
  expect(
    (await readUntil(broken.source, createLineWalker(), (_, s) => s.length > 0)).stops,
  ).toMatchObject([{ reason: 'FileChanged' }]);
});

test('a missing file and a start by time are config failures that name the fix', async () => {
  const source = openFileSource({ paths: ['/no/such/file'] });
  await expect(source.identity(NEVER)).rejects.toMatchObject({
    kind: 'config',
    code: 'SourceFileMissing',
    message: expect.stringContaining('/no/such/file'),
  });
  await expect(
    source.resolve([0], { from: 'Timestamp', timestampMs: 0 }, NEVER),
  ).rejects.toMatchObject({ kind: 'config', code: 'StartUnsupported' });
  await source.close();
});

test('lines of any length come whole, also beyond a block', async () => {
  const lines = ['short', 'x'.repeat(3_000_000), 'y'.repeat(70_000), 'end'];
  const { source } = file('a.ndjson', `${lines.join('\n')}\n`);
  source.assign(0, 0, -1);
  const { records } = await readUntil(source, createLineWalker(), (r) => r.get(0)?.length === 4);
  expect(records.get(0)?.map((r) => r.value)).toEqual(lines);
});

test('the walker finds what a plain split finds, with its offsets', () => {
  const part = fc.oneof(fc.constantFrom('\n', '\r\n', '\n\n', ''), fc.string({ maxLength: 30 }));
  let checked = 0;
  fc.assert(
    fc.property(fc.array(part), fc.nat(1_000_000), (parts, extra) => {
      const fromOffset = extra + 1;
      const bytes = new Uint8Array(Buffer.from(parts.join('')));
      const out = createRecordSlices(1);
      createLineWalker().walk(
        {
          format: 'lines',
          partition: 0,
          fromOffset,
          nextOffset: 0,
          bytes,
          aborted: [],
          leaderEpoch: -1,
          lagRecords: 0,
        },
        out,
      );
      const expected: [number, string][] = [];
      let at = 0;
      for (const line of Buffer.from(bytes).toString('latin1').split('\n')) {
        const text = line.endsWith('\r') ? line.slice(0, -1) : line;
        if (text !== '') expected.push([fromOffset + at, text]);
        at += line.length + 1;
      }
      const got = Array.from({ length: out.count }, (_, i): [number, string] => [
        out.offsets[i] ?? -1,
        Buffer.from(out.bytes.subarray(out.starts[i], out.ends[i])).toString('latin1'),
      ]);
      expect(got).toEqual(expected);
      checked++;
    }),
  );
  expect(checked).toBe(100);
});

test('the identity is that of the first line, however the file grows', () => {
  const id = (text: string): string => identityOf(Buffer.from(text));
  expect(id('a\n')).toBe(id('a\nb\nc'));
  expect(id('a\n')).not.toBe(id('b\n'));
  expect([id(''), id('half a li')]).toEqual(['empty', 'empty']);
});
