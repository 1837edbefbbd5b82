import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompiledSchema } from '../../core/spec/compiled.ts';
import { FIELD_LIST, FIELD_NULL } from '../view/fields.ts';
import { MAX_RECORD_BYTES, PARSE_REASONS, RowParser } from './row-parser.ts';

function schema(change: Partial<CompiledSchema> = {}): CompiledSchema {
  return {
    timestamp: { column: 't', format: 'auto', missingValueMs: null },
    dimensions: ['a', 'b', 'clé'].map((name) => ({
      name,
      type: 'string',
      createBitmapIndex: true,
      multiValueHandling: 'array',
    })),
    discovery: false,
    dimensionExclusions: [],
    metrics: [
      { type: 'count', name: 'n', fieldName: '' },
      { type: 'longSum', name: 'l', fieldName: 'x' },
      { type: 'doubleSum', name: 'd', fieldName: 'x' },
    ],
    rollup: true,
    queryGranularity: { type: 'none' },
    segmentGranularity: { type: 'period', period: 'P1D', timeZone: 'UTC', originMs: null },
    lateness: { policy: 'none', lateMs: Infinity, earlyMs: Infinity },
    indexSpec: {
      bitmap: 'roaring',
      dimensionCompression: 'lz4',
      metricCompression: 'lz4',
      longEncoding: 'longs',
    },
    ...change,
  };
}

type Values = (string | null | readonly (string | null)[])[];

/** Reads a record between two others, so that reading past an end shows. */
function read(parser: RowParser, record: string | Uint8Array): { reason: string; values: Values } {
  const bytes = typeof record === 'string' ? Buffer.from(record) : record;
  const buffer = new Uint8Array(Buffer.concat([Buffer.from('{"z":"'), bytes, Buffer.from('"}}')]));
  parser.setBytes(buffer);
  const reason = PARSE_REASONS[parser.readTime(6, 6 + bytes.length)] ?? 'none';
  if (reason !== '') return { reason, values: [] };
  parser.readFields();
  const f = parser.fields;
  const text = (slices: typeof f.text, i: number): string | null =>
    slices.start[i] === -1
      ? null
      : Buffer.from(slices.source[i] === 1 ? f.scratch : f.record)
          .subarray(slices.start[i], slices.end[i])
          .toString();
  const values = parser.dimensionNames.map((_, i) => {
    if (f.dimensionState[i] === FIELD_NULL) return null;
    if (f.dimensionState[i] !== FIELD_LIST) return text(f.text, i);
    const [from, to] = [f.listStart[i] ?? 0, f.listEnd[i] ?? 0];
    return Array.from({ length: to - from }, (__, k) => text(f.listText, from + k));
  });
  return { reason, values };
}

describe('RowParser', () => {
  it('reads rows of one shape as a parser does that has seen none before', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 14 }),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(null, true, false, 0, -0, 1e30, '', 'x\\"y', [], ['a', 'b'], { deep: [1] }),
    );
    const shape = fc.record({
      keys: fc.uniqueArray(fc.constantFrom('', 'a', 'b', 'clé', 'a longer key', 'x'), {
        minLength: 1,
      }),
      space: fc.constantFrom('', ' '),
      rows: fc.array(fc.array(value, { minLength: 6, maxLength: 6 }), { minLength: 2 }),
      damage: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(255))),
    });
    let compared = 0;
    fc.assert(
      fc.property(shape, ({ keys, space, rows, damage }) => {
        const records = rows.map((values) => {
          const fields = keys.map(
            (key, i) => `${JSON.stringify(key)}:${space}${JSON.stringify(values[i])}`,
          );
          return Buffer.from(
            `{"t":"2024-01-01T00:00:0${values.length % 10}Z"${fields.map((f) => `,${space}${f}`).join('')}}`,
          );
        });
        for (const [row, at, byte] of damage) {
          const record = records[row % records.length];
          if (record !== undefined) record[at % record.length] = byte;
        }
        const learned = new RowParser(schema());
        for (const record of records) {
          expect(read(learned, record)).toEqual(read(new RowParser(schema()), record));
          compared++;
        }
      }),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThan(600);
  });

  it('reads what JSON.parse reads, in any key order, spacing and escaping', () => {
    const parser = new RowParser(schema());
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.array(fc.oneof(fc.string({ maxLength: 4 }), fc.constant(null)), { maxLength: 4 }),
    );
    const field = fc.tuple(fc.constantFrom('a', 'b', 'clé', 'other', 'x'), value);
    let rows = 0;
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 8 }),
        fc.integer({ min: 0, max: 3 }),
        (fields, indent) => {
          const object = Object.fromEntries([['t', 5], ...fields]) as Record<string, unknown>;
          const { reason, values } = read(parser, JSON.stringify(object, null, indent));
          expect(reason).toBe('');
          const expected = ['a', 'b', 'clé'].map((name) => {
            const v = object[name];
            if (v === undefined || v === null) return null;
            return Array.isArray(v)
              ? (v as (string | null)[])
              : String(v as string | number | boolean);
          });
          expect(values).toEqual(expected);
          rows++;
        },
      ),
      { numRuns: 2000 },
    );
    expect(rows).toBe(2000);
  });

  it('does not take the unescaped name of one row for the raw bytes of the next', () => {
    const parser = new RowParser(schema());
    expect(read(parser, String.raw`{"t":5,"\":-1,":1}`).reason).toBe('');
    expect(read(parser, '{"t":5,"":-1,"o":1}').reason).toBe('');
  });

  it('refuses exactly what JSON.parse refuses', () => {
    const parser = new RowParser(schema());
    let refused = 0;
    const base = '{"t":5,"a":"x\\u00e9y\\n","b":[1,{"q":[true,null]}],"x":-12.5e3,"o":{}}';
    fc.assert(
      fc.property(
        fc.nat(base.length - 1),
        fc.constantFrom('', '"', '{', ']', ',', '0', '\\', 'u', ':', '\u0001', ' '),
        (at, put) => {
          const text = base.slice(0, at) + put + base.slice(at + 1);
          let parsed: unknown;
          try {
            parsed = JSON.parse(text);
          } catch {
            refused++;
          }
          const { reason } = read(parser, text);
          expect(reason === '' || reason.startsWith('timestamp'), text).toBe(parsed !== undefined);
        },
      ),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it.each([
    ['null', 'notAnObject'],
    ['[1]', 'notAnObject'],
    ['', 'notAnObject'],
    ['{"t":5', 'malformed'],
    ['{"t":5}x', 'malformed'],
    ['{"t":5,"a":NaN}', 'malformed'],
    ['{"t":5,"a":01}', 'malformed'],
    ['{"a":"no time"}', 'timestampMissing'],
    ['{"t":"yesterday"}', 'timestampInvalid'],
    ['{"t":true}', 'timestampInvalid'],
    ['{"t":"10000-01-01T00:00:00Z"}', 'timestampOutOfRange'],
    [`{"t":5,"a":${'['.repeat(1000)}${']'.repeat(1000)}}`, 'tooDeep'],
    [`{"t":5,"a":"${'x'.repeat(MAX_RECORD_BYTES)}"}`, 'tooLarge'],
  ])('says why %.40s is no row', (record, reason) => {
    expect(read(new RowParser(schema()), record).reason).toBe(reason);
  });

  it('refuses invalid UTF-8 and keeps the next row intact', () => {
    const parser = new RowParser(schema());
    const bad = Buffer.concat([
      Buffer.from('{"t":5,"a":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ]);
    expect(read(parser, bad).reason).toBe('invalidUtf8');
    expect(read(parser, '{"t":5,"a":"good"}').values).toEqual(['good', null, null]);
  });

  it('stores numbers in string dimensions as Java prints them; the last of duplicate keys wins', () => {
    const parser = new RowParser(schema());
    const row = '{"t":5,"a":1e3,"b":1.50,"clé":123456789012345678901,"a":2.0}';
    expect(read(parser, row).values).toEqual(['2.0', '1.5', '123456789012345678901']);
    expect(read(parser, '{"t":5,"a":1e3,"b":12345678.5,"clé":0.0001}').values).toEqual([
      '1000.0',
      '1.23456785E7',
      '1.0E-4',
    ]);
  });

  it('keeps a row whose metric cannot be read, and counts it', () => {
    const parser = new RowParser(schema());
    read(parser, '{"t":5,"x":"abc"}');
    expect(parser.fieldErrors).toBe(2);
    expect(parser.fields.metricState[1]).toBe(FIELD_NULL);
    read(parser, '{"t":5,"x":9223372036854775807}');
    expect([parser.fieldErrors, parser.fields.metricLow[1], parser.fields.metricHigh[1]]).toEqual([
      0, -1, 0x7fffffff,
    ]);
    read(parser, '{"t":5,"x":99999999999999999999}');
    expect(parser.fieldErrors).toBe(1);
    read(parser, '{"t":5,"x":"-7"}');
    expect([
      parser.fields.metricLow[1],
      parser.fields.metricHigh[1],
      parser.fields.metricDouble[2],
    ]).toEqual([-7, -1, -7]);
  });

  it('discovers simple fields only, never time, exclusions or metric inputs', () => {
    const parser = new RowParser(
      schema({ dimensions: [], discovery: true, dimensionExclusions: ['skip'] }),
    );
    read(parser, '{"t":5,"skip":1,"x":2,"l":3,"obj":{"q":1},"nul":null,"bad,name":1}');
    expect(parser.dimensionNames).toEqual([]);
    const { values } = read(parser, '{"t":5,"b":"2","a":[1,"x"],"deep":[[1]]}');
    expect(parser.dimensionNames).toEqual(['b', 'a']);
    expect(values).toEqual(['2', ['1', 'x']]);
  });
});
