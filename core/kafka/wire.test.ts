import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WireReader, WireWriter } from './wire.ts';

test('every primitive comes back as it was written', () => {
  let checked = 0;
  const value = fc.record({
    a: fc.integer({ min: -128, max: 127 }),
    b: fc.integer({ min: -32768, max: 32767 }),
    c: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    d: fc.maxSafeInteger(),
    e: fc.nat(2 ** 31 - 1),
    s: fc.option(fc.string({ unit: 'grapheme' })),
    list: fc.array(fc.integer({ min: -100, max: 100 })),
    id: fc.uuid(),
  });
  fc.assert(
    fc.property(value, (v) => {
      const out = new WireWriter();
      out
        .int8(v.a)
        .int16(v.b)
        .int32(v.c)
        .int64(v.d)
        .uvarint(v.e)
        .string(v.s)
        .compactString(v.s)
        .uuid(v.id);
      out
        .array(v.list, (item) => out.int8(item))
        .compactArray(v.list, (item) => out.int8(item))
        .tags();
      const read = new WireReader(Buffer.from(out.bytes));
      expect([read.int8(), read.int16(), read.int32(), read.int64(), read.uvarint()]).toEqual([
        v.a,
        v.b,
        v.c,
        v.d,
        v.e,
      ]);
      expect([read.string(), read.compactString(), read.uuid()]).toEqual([v.s, v.s, v.id]);
      expect([read.array(() => read.int8()), read.compactArray(() => read.int8())]).toEqual([
        v.list,
        v.list,
      ]);
      read.tags();
      expect(() => read.int8()).toThrow(/ends early/);
      checked++;
    }),
  );
  expect(checked).toBe(100);
});

test('false lengths are refused without allocating', () => {
  const huge = Buffer.from('ffffffff07', 'hex');
  expect(() => new WireReader(huge).compactBytes()).toThrow(/ends early/);
  expect(() => new WireReader(huge).compactArray(() => 0)).toThrow(/ends early/);
  expect(() => new WireReader(Buffer.from('7fffffff', 'hex')).array(() => 0)).toThrow(/ends early/);
  expect(() => new WireReader(Buffer.alloc(9, 0xff)).uvarint()).toThrow(/varint/);
});
