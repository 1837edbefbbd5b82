import { zstdCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import lz4 from 'lz4-napi';
import snappy from 'snappyjs';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../../core/runtime/failure.ts';
import type { RecordSet } from '../port.ts';
import { createRecordSlices } from '../walker.ts';
import { createCrc32c } from './crc32c.ts';
import { CRC32C_WASM } from './generated/crc32c-wasm.ts';
import { createKafkaWalker } from './record-walker.ts';
import { buildCrc32c } from './wasm/build.ts';

interface TestRecord {
  readonly value: string | null;
  readonly key?: string;
  readonly delta?: number;
  readonly timeDelta?: number;
  readonly headers?: number;
}

interface TestBatch {
  readonly base: number;
  readonly records: readonly TestRecord[];
  readonly codec?: number;
  readonly attributes?: number;
  readonly baseTime?: number;
  readonly maxTime?: number;
  readonly producerId?: bigint;
  readonly count?: number;
  readonly body?: Buffer;
}

// Written from the format's description, apart from the reader: zigzag varints, lengths, fields in order.
function varint(value: number): Buffer {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const out: number[] = [];
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...out, Number(rest)]);
}

const field = (text: string | null | undefined): Buffer =>
  text === null || text === undefined
    ? varint(-1)
    : Buffer.concat([varint(Buffer.byteLength(text)), Buffer.from(text)]);

function record(r: TestRecord, i: number): Buffer {
  const headers = Array.from({ length: r.headers ?? 0 }, () =>
    Buffer.concat([field('h'), field('v')]),
  );
  const body = Buffer.concat([
    Buffer.of(0),
    varint(r.timeDelta ?? 0),
    varint(r.delta ?? i),
    field(r.key),
    field(r.value),
    varint(headers.length),
    ...headers,
  ]);
  return Buffer.concat([varint(body.length), body]);
}

const CODECS = [
  (b: Buffer) => b,
  (b: Buffer) => gzipSync(b),
  (b: Buffer) => Buffer.from(snappy.compress(b)),
  (b: Buffer) => lz4.compressFrameSync(b),
  (b: Buffer) => zstdCompressSync(b),
];

const crc32c = createCrc32c();

function batch(b: TestBatch): Buffer {
  const plain = Buffer.concat(b.records.map(record));
  const body = b.body ?? CODECS[b.codec ?? 0]?.(plain) ?? plain;
  const out = Buffer.alloc(61 + body.length);
  out.writeBigInt64BE(BigInt(b.base), 0);
  out.writeInt32BE(out.length - 12, 8);
  out.writeInt8(2, 16);
  out.writeInt16BE((b.attributes ?? 0) | (b.codec ?? 0), 21);
  const deltas = b.records.map((r, i) => r.delta ?? i);
  out.writeInt32BE(Math.max(0, ...deltas), 23);
  out.writeBigInt64BE(BigInt(b.baseTime ?? 1000), 27);
  out.writeBigInt64BE(BigInt(b.maxTime ?? 1000), 35);
  out.writeBigInt64BE(b.producerId ?? -1n, 43);
  out.writeInt32BE(b.count ?? b.records.length, 57);
  body.copy(out, 61);
  out.writeUInt32BE(crc32c(out, 21, out.length), 17);
  return out;
}

function set(bytes: Buffer, more: Partial<RecordSet> = {}): RecordSet {
  const owned = new Uint8Array(bytes.length);
  owned.set(bytes);
  return {
    format: 'kafka-v2',
    partition: 3,
    fromOffset: 0,
    nextOffset: 0,
    bytes: owned,
    aborted: [],
    leaderEpoch: 0,
    lagRecords: 0,
    ...more,
  };
}

type Read = [offset: number, value: string | null, timestampMs: number];

function walk(bytes: Buffer, more: Partial<RecordSet> = {}, walker = createKafkaWalker()): Read[] {
  const out = createRecordSlices(1);
  walker.walk(set(bytes, more), out);
  return Array.from({ length: out.count }, (_, i): Read => {
    const start = out.starts[i] ?? 0;
    const value = start < 0 ? null : Buffer.from(out.bytes.subarray(start, out.ends[i])).toString();
    return [out.offsets[i] ?? -1, value, out.timestampsMs[i] ?? -1];
  });
}

function failureOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isFailure(error, 'corrupt')) return error.code;
    throw error;
  }
  return 'none';
}

describe('checksum', () => {
  test('matches the known check value and a bit-by-bit model at every length', () => {
    const model = (bytes: Uint8Array): number => {
      let crc = 0xffffffff;
      for (const byte of bytes) {
        crc ^= byte;
        for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
      }
      return (crc ^ 0xffffffff) >>> 0;
    };
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length: length + 3 }, (_, i) => (i * 37 + length) & 255);
      expect(crc32c(bytes, 3, length + 3)).toBe(model(bytes.subarray(3)));
    }
    const large = Buffer.alloc(300_000, 'abc');
    expect(crc32c(large, 0, large.length)).toBe(model(large));
  });

  test('the committed module is what its source compiles to', async () => {
    expect(await buildCrc32c()).toContain(CRC32C_WASM);
  });
});

describe('records', () => {
  test('any records in any codec come back with offset, value and time', () => {
    const one = fc.record({
      value: fc.option(fc.string({ maxLength: 300, unit: 'grapheme' })),
      key: fc.string({ maxLength: 200 }),
      timeDelta: fc.oneof(
        fc.integer({ min: -100, max: 100 }),
        fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
      ),
      headers: fc.nat(3),
    });
    const many = fc.record({
      records: fc.array(one, { minLength: 1, maxLength: 20 }),
      codec: fc.nat(4),
      gap: fc.nat(1_000_000),
    });
    const walker = createKafkaWalker();
    let checked = 0;
    fc.assert(
      fc.property(fc.array(many, { maxLength: 6 }), fc.nat(2 ** 45), (batches, first) => {
        let base = first;
        const expected: Read[] = [];
        const bytes = batches.map(({ records, codec, gap }) => {
          base += gap;
          const at = base;
          records.forEach((r, i) => expected.push([at + i, r.value, 2 ** 46 + r.timeDelta]));
          base += records.length;
          return batch({ base: at, records, codec, baseTime: 2 ** 46 });
        });
        expect(walk(Buffer.concat(bytes), {}, walker)).toEqual(expected);
        checked++;
      }),
      { numRuns: 200 },
    );
    expect(checked).toBe(200);
  });

  test('a batch that begins before the wanted offset gives only what is wanted; gaps stay gaps', () => {
    const bytes = Buffer.concat([
      batch({ base: 0, records: [{ value: 'a' }, { value: 'b' }] }),
      batch({
        base: 10,
        records: [{ value: 'c' }, { value: 'd', delta: 4 }, { value: 'e', delta: 9 }],
      }),
    ]);
    expect(walk(bytes, { fromOffset: 12 }).map(([o, v]) => [o, v])).toEqual([
      [14, 'd'],
      [19, 'e'],
    ]);
  });

  test('log append time is the time of all records of a batch, no time is NaN', () => {
    const records = [
      { value: 'a', timeDelta: 5 },
      { value: 'b', timeDelta: 9 },
    ];
    expect(walk(batch({ base: 0, records, attributes: 8, maxTime: 777 })).map((r) => r[2])).toEqual(
      [777, 777],
    );
    expect(walk(batch({ base: 0, records, baseTime: -1 })).map((r) => r[2])).toEqual([NaN, NaN]);
  });

  test('a partial last batch is left for the next fetch', () => {
    const whole = batch({ base: 0, records: [{ value: 'a' }] });
    const second = batch({ base: 1, records: [{ value: 'b' }] });
    for (let cut = 1; cut < second.length; cut++) {
      expect(walk(Buffer.concat([whole, second.subarray(0, cut)]))).toHaveLength(1);
    }
  });

  test('an empty set and a batch emptied by compaction are nothing', () => {
    expect(walk(Buffer.alloc(0))).toEqual([]);
    expect(walk(batch({ base: 5, records: [] }))).toEqual([]);
  });

  test('lz4 with dependent blocks and overlapping matches, snappy in the framing of Java', () => {
    const records = Array.from({ length: 3000 }, (_, i) => ({
      value: `${'ab'.repeat(40)}${i % 7}`,
    }));
    const expected = records.map((r) => r.value);
    expect(walk(batch({ base: 0, records, codec: 3 })).map((r) => r[1])).toEqual(expected);
    const plain = Buffer.concat(records.map(record));
    const blocks: Buffer[] = [Buffer.from('82534e4150505900' + '00000001' + '00000001', 'hex')];
    for (let at = 0; at < plain.length; at += 32_768) {
      const block = Buffer.from(snappy.compress(plain.subarray(at, at + 32_768)));
      const length = Buffer.alloc(4);
      length.writeInt32BE(block.length);
      blocks.push(length, block);
    }
    expect(
      walk(batch({ base: 0, records, codec: 2, body: Buffer.concat(blocks) })).map((r) => r[1]),
    ).toEqual(expected);
  });
});

describe('transactions', () => {
  const TRANSACTIONAL = 0x10;
  const marker = (base: number, producerId: bigint, type: 0 | 1): Buffer => {
    const body = Buffer.concat([
      Buffer.of(0),
      varint(0),
      varint(0),
      varint(4),
      Buffer.from([0, 0, 0, type]),
      varint(6),
      Buffer.alloc(6),
      varint(0),
    ]);
    return batch({
      base,
      records: [{ value: null }],
      body: Buffer.concat([varint(body.length), body]),
      attributes: 0x30,
      producerId,
    });
  };
  const data = (base: number, value: string, producerId: bigint): Buffer =>
    batch({ base, records: [{ value }], attributes: TRANSACTIONAL, producerId });

  test('aborted data and markers are left out, other producers and later transactions are not', () => {
    const bytes = Buffer.concat([
      data(0, 'abort-1', 1n),
      data(1, 'keep-2', 2n),
      batch({ base: 2, records: [{ value: 'plain' }] }),
      data(3, 'abort-1', 1n),
      marker(4, 1n, 0),
      data(5, 'keep-1', 1n),
      marker(6, 1n, 1),
      marker(7, 2n, 1),
      data(8, 'abort-1', 1n),
      marker(9, 1n, 0),
    ]);
    const aborted = [
      { producerId: 1n, firstOffset: 8 },
      { producerId: 1n, firstOffset: 0 },
    ];
    expect(walk(bytes, { aborted }).map((r) => r[1])).toEqual(['keep-2', 'plain', 'keep-1']);
  });

  test('a transaction that began before the set is known by its list', () => {
    const bytes = Buffer.concat([data(10, 'abort', 1n), marker(11, 1n, 0), data(12, 'keep', 1n)]);
    expect(
      walk(bytes, { fromOffset: 10, aborted: [{ producerId: 1n, firstOffset: 2 }] }).map(
        (r) => r[1],
      ),
    ).toEqual(['keep']);
  });
});

describe('damage', () => {
  const good = batch({ base: 100, records: [{ value: 'hello' }, { value: 'world' }] });

  test('every flipped bit behind the checksum is found, and the place is named', () => {
    let checked = 0;
    for (let at = 17; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad.writeUInt8((bad[at] ?? 0) ^ 4, at);
      expect(() => walk(bad)).toThrow(/partition 3, batch at offset 100: .*CRC/);
      checked++;
    }
    expect(checked).toBe(good.length - 17);
    expect(walk(good, {}, createKafkaWalker({ checkCrc: false }))).toHaveLength(2);
  });

  test('old record formats are refused by name', () => {
    for (const magic of [0, 1]) {
      const old = Buffer.from(good);
      old.writeInt8(magic, 16);
      expect(() => walk(old)).toThrow(new RegExp(`record format v${magic}`));
      expect(failureOf(() => walk(old))).toBe('MessageFormatUnsupported');
    }
  });

  test('false lengths and counts neither allocate nor read outside', () => {
    const before = process.memoryUsage().arrayBuffers;
    const length = Buffer.from(good);
    length.writeInt32BE(0x7fffffff, 8);
    expect(failureOf(() => walk(length))).toBe('RecordBatchCorrupt');
    length.writeInt32BE(-5, 8);
    expect(failureOf(() => walk(length))).toBe('RecordBatchCorrupt');
    for (const count of [0x7fffffff, -1, 3]) {
      expect(failureOf(() => walk(batch({ base: 0, records: [{ value: 'x' }], count })))).toBe(
        'RecordBatchCorrupt',
      );
    }
    const claims: [number, Buffer][] = [
      [2, Buffer.from('ffffffff0f00', 'hex')],
      [2, Buffer.from('82534e4150505900' + '0000000100000001' + '7fffffff00', 'hex')],
      [3, Buffer.from('04224d1860707300ffff7f', 'hex')],
      [3, Buffer.from('04224d18604073' + '05000000' + 'ffffffffff', 'hex')],
      [1, Buffer.from('not gzip')],
      [4, Buffer.from('not zstd')],
      [6, Buffer.from('x')],
    ];
    for (const [codec, body] of claims) {
      expect(
        failureOf(() =>
          walk(batch({ base: 0, records: [{ value: 'x' }], body, attributes: codec })),
        ),
      ).toMatch(/Broken|Unknown/);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  });

  test('a batch that inflates without bound stops at the limit', () => {
    const bomb = Buffer.alloc(5_000_000);
    for (const codec of [1, 2, 3, 4]) {
      const bytes = batch({
        base: 0,
        records: [{ value: 'x' }],
        codec,
        body: CODECS[codec]?.(bomb) ?? bomb,
        attributes: codec,
      });
      expect(
        failureOf(() => walk(bytes, {}, createKafkaWalker({ setBytesMax: 1_000_000 }))),
      ).toMatch(/BatchTooLarge|CodecDataBroken/);
    }
  });

  test('any damage under any codec ends in a failure or in records, never in a hang or a read outside', () => {
    const walker = createKafkaWalker({ checkCrc: false });
    let checked = 0;
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (codec, hits) => {
          const records = Array.from({ length: 20 }, (_, i) => ({ value: `value ${i}`, key: 'k' }));
          const bytes = batch({ base: 0, records, codec });
          for (const [at, value] of hits) bytes.writeUInt8(value, 17 + (at % (bytes.length - 17)));
          const out = createRecordSlices();
          failureOf(() => walker.walk(set(bytes), out));
          for (let i = 0; i < out.count; i++) {
            expect(out.ends[i]).toBeLessThanOrEqual(out.bytes.length);
            expect(out.starts[i]).toBeLessThanOrEqual(out.ends[i] ?? -2);
          }
          checked++;
        },
      ),
      { numRuns: 500 },
    );
    expect(checked).toBe(500);
  });
});
