// Columns of serialized objects in a segment. The bytes are handed on as they are; what they mean is the
// query engine's business. Fed by column-file.ts. Source: druid-segment-format.md 2.6.

import type { ComplexColumn } from '../view/view.ts';
import type { ReadContext } from './block-cache.ts';
import { readIndexed } from './indexed-container.ts';
import type { Cursor } from './internal-file.ts';
import type { SegmentFiles } from './segment-files.ts';
import { checkRun } from './string-column.ts';

/** Reads a complex part: an indexed container with an element a row. @throws Failure `corrupt` */
export function readComplexPart(
  cursor: Cursor,
  context: ReadContext,
  files: SegmentFiles,
  part: { readonly rows: number; readonly typeName: string },
): ComplexColumn {
  const start = cursor.position;
  const reader = readIndexed(cursor, context, files);
  if (reader.size !== part.rows) {
    throw cursor.file.corrupt(start, `${reader.size} objects, the segment has ${part.rows} rows`);
  }
  return {
    kind: 'complex',
    type: 'COMPLEX',
    typeName: part.typeName,
    hasNulls: true,
    describe: (row) =>
      `segment ${cursor.file.dir}: file '${cursor.file.name}' at offset ${start}, row ${row}`,
    readBytes(row) {
      checkRun(row, 1, part.rows);
      const bytes = reader.get(row);
      return bytes === undefined || bytes.length === 0 ? undefined : bytes;
    },
  };
}
