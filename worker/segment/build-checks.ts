// What a build refuses before it starts: names that the format cannot hold. Also turns indexSpec into the
// writers that it names. Fed by build.ts. Source: druid-segment-format.md 1.1, 1.2.

import { assert, Failure } from '../../core/runtime/failure.ts';
import { BITMAP_WRITERS, type BitmapWriter } from './bitmap-writer.ts';
import type { BuildOptions } from './build-options.ts';
import type { Compression, WrittenCompression } from './compression.ts';
import { PIECES_MAX } from './row-merge.ts';

/** How a segment is to be written. */
export interface BuildEncoding {
  readonly dimensions: WrittenCompression;
  readonly metrics: WrittenCompression | 'none';
  readonly longs: 'longs' | 'auto';
  readonly bitmaps: BitmapWriter;
}

const RESERVED = ['__time', 'index.drd', 'metadata.drd'];

/** @throws Failure `config` ColumnNameInvalid; `bug` for impossible inputs */
export function checkBuild(options: BuildOptions): BuildEncoding {
  const { views, dimensions, metrics } = options;
  assert(
    views.some((view) => view.rows > 0),
    'a segment needs at least one row',
  );
  assert(views.length <= PIECES_MAX, `${views.length} inputs, at most ${PIECES_MAX}`);
  const names = new Set<string>();
  for (const { name } of [...dimensions, ...metrics]) {
    if (name === '' || /[,\n\r]/.test(name) || RESERVED.includes(name)) {
      throw invalidName(
        name,
        'use a name without commas and line breaks that Druid does not reserve',
      );
    }
    if (names.has(name))
      throw invalidName(name, 'it is used twice; rename the metric or the dimension');
    names.add(name);
  }
  return encodingOf(options);
}

function invalidName(name: string, fix: string): Failure {
  return new Failure('config', 'ColumnNameInvalid', `column name ${JSON.stringify(name)}: ${fix}`);
}

/** Rows up to which the most effort costs less than the files of a segment are worth. */
const FEW_ROWS = 131_072;

/** A hydrant is soon replaced; a small segment can be made the smallest in no time. */
function effortOf(
  { views, isHydrant }: BuildOptions,
  compression: Exclude<Compression, 'none'>,
): WrittenCompression {
  if (isHydrant === true) return compression;
  const rows = views.reduce((sum, view) => sum + view.rows, 0);
  if (compression === 'zstd') return 'zstdSmall';
  if (compression !== 'lz4') return compression;
  return rows <= FEW_ROWS ? 'lz4Smallest' : 'lz4Small';
}

function encodingOf(options: BuildOptions): BuildEncoding {
  const spec = options.indexSpec;
  const { metricCompression: metrics } = spec;
  return {
    dimensions: effortOf(options, spec.dimensionCompression),
    metrics: metrics === 'none' ? metrics : effortOf(options, metrics),
    longs: spec.longEncoding,
    bitmaps: BITMAP_WRITERS[spec.bitmap],
  };
}
