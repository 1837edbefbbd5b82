// The bitmap codecs a segment can be written with, by the names of indexSpec.bitmap. Fed by the column writers.

import { conciseBytes } from './concise-writer.ts';
import { roaringBytes } from './roaring-writer.ts';

/** A codec. */
export interface BitmapWriter {
  /** As it stands in descriptors and index.drd. */
  readonly json: string;
  /** The bitmap of `rows[from..to)`: ascending, distinct, at least one. Valid until the next call. */
  bytes(rows: Int32Array, from: number, to: number): Uint8Array;
}

/** Both codecs. */
export const BITMAP_WRITERS: Readonly<Record<'roaring' | 'concise', BitmapWriter>> = {
  roaring: { json: '{"type":"roaring"}', bytes: roaringBytes },
  concise: { json: '{"type":"concise"}', bytes: conciseBytes },
};
