// A column's internal file: a JSON descriptor and one part. Opens the part by its type. Fed by reader.ts.
// Source: druid-segment-format.md 2.3.1.
//
//   column file = str descriptor, part

import { Failure } from '../../core/runtime/failure.ts';
import type { Column, NumericColumn } from '../view/view.ts';
import type { ReadContext } from './block-cache.ts';
import { readComplexPart } from './complex-column.ts';
import { COMPRESSED_OBJECTS, readCompressedObjects } from './compressed-objects.ts';
import { conciseReader } from './concise-reader.ts';
import { Cursor, type InternalFile } from './internal-file.ts';
import { isJsonObject, type JsonObject, parseJsonObject, textAt } from './json-object.ts';
import { readNumberPart } from './number-column.ts';
import { readPairPart } from './pair-column.ts';
import { PAIR_VALUE_BYTES, PAIR_VERSION } from './pair-layout.ts';
import type { NumberType } from './block-numbers.ts';
import { type BitmapReader, roaringReader } from './roaring-reader.ts';
import type { SegmentFiles } from './segment-files.ts';
import { nullStringColumn, readStringPart } from './string-column.ts';

/** The parts with numbers, and whether a null bitmap may follow. */
const NUMBER_PARTS: Readonly<Record<string, readonly [NumberType, boolean]>> = {
  long: ['LONG', false],
  double: ['DOUBLE', false],
  float: ['FLOAT', false],
  longV2: ['LONG', true],
  doubleV2: ['DOUBLE', true],
  floatV2: ['FLOAT', true],
};

interface OpenColumn {
  readonly cursor: Cursor;
  readonly part: JsonObject;
  readonly type: string;
  readonly isLittleEndian: boolean;
  readonly bitmaps: BitmapReader;
}

function openDescriptor(file: InternalFile): OpenColumn {
  const cursor = new Cursor(file);
  const descriptor = parseJsonObject(cursor.str('the descriptor'), file, 4, 'the descriptor');
  const parts = descriptor['parts'];
  const part: unknown = Array.isArray(parts) && parts.length === 1 ? parts[0] : undefined;
  if (!isJsonObject(part)) throw file.corrupt(4, 'the descriptor has not one part');
  const type = textAt(part, 'type');
  if (type === undefined) throw file.corrupt(4, 'the part has no type');
  const isLittleEndian = textAt(part, 'byteOrder') !== 'BIG_ENDIAN';
  return { cursor, part, type, isLittleEndian, bitmaps: bitmapReader(part, file) };
}

/** The codec of a part's bitmaps; old writers name none and mean concise. */
function bitmapReader(part: JsonObject, file: InternalFile): BitmapReader {
  const serde = part['bitmapSerdeFactory'];
  const type = isJsonObject(serde) ? textAt(serde, 'type') : 'concise';
  if (type === 'roaring') return roaringReader;
  if (type === 'concise') return conciseReader;
  throw file.corrupt(4, `bitmaps of type ${JSON.stringify(type)} are unknown`);
}

/** Opens `__time`. @throws Failure `corrupt` unless it is a column of longs */
export function openTimeColumn(
  file: InternalFile,
  context: ReadContext,
): NumericColumn & { readonly rows: number } {
  const open = openDescriptor(file);
  const number = NUMBER_PARTS[open.type];
  if (number?.[0] !== 'LONG')
    throw file.corrupt(4, `__time is of part type ${open.type}, expected long`);
  const { cursor, isLittleEndian, bitmaps } = open;
  return readNumberPart(cursor, context, {
    type: 'LONG',
    hasNullSection: number[1],
    isLittleEndian,
    bitmaps,
  });
}

/**
 * Opens a column.
 *
 * @throws Failure `corrupt` when the bytes are wrong; `input` ColumnUnsupported for layouts we do not read
 *         (nested and auto columns): the rest of the segment stays readable
 */
export function openColumn(
  file: InternalFile,
  context: ReadContext,
  files: SegmentFiles,
  rows: number,
): Column {
  const { cursor, part, type, isLittleEndian, bitmaps } = openDescriptor(file);
  const number = NUMBER_PARTS[type];
  if (number !== undefined) {
    const spec = { type: number[0], hasNullSection: number[1], isLittleEndian, bitmaps };
    const column = readNumberPart(cursor, context, spec);
    if (column.rows !== rows) throw file.corrupt(4, `${column.rows} rows, the segment has ${rows}`);
    return column;
  }
  switch (type) {
    case 'stringDictionary':
      return readStringPart(cursor, context, files, { rows, isLittleEndian, bitmaps });
    case 'null':
      if (part['numRows'] !== rows) {
        throw file.corrupt(4, `${JSON.stringify(part['numRows'])} rows, the segment has ${rows}`);
      }
      return nullStringColumn(rows);
    case 'complex': {
      const typeName = textAt(part, 'typeName') ?? '';
      const first = cursor.u8();
      cursor.position--;
      if (typeName in PAIR_VALUE_BYTES) return readPairPart(cursor, context, { rows, typeName });
      if (first === COMPRESSED_OBJECTS) {
        const bitmapsOf = (metadata: JsonObject): BitmapReader => bitmapReader(metadata, file);
        return readCompressedObjects(cursor, context, files, { rows, typeName, bitmapsOf });
      }
      if (first === PAIR_VERSION) throw unsupported(file, `${typeName} in layout ${first}`);
      return readComplexPart(cursor, context, files, { rows, typeName });
    }
    default:
      throw unsupported(file, `part type ${type}`);
  }
}

function unsupported(file: InternalFile, what: string): Failure {
  const text = `segment ${file.dir}: column '${file.name}' (${what}) cannot be read; query other columns`;
  return new Failure('input', 'ColumnUnsupported', text);
}
