// What a build refuses before it starts: names that the format cannot hold, and index settings that are read but
// not written. Fed by build.ts. Source: druid-segment-format.md 1.1, 1.2.

import { assert, Failure } from '../../core/runtime/failure.ts';
import type { CompiledIndexSpec } from '../../core/spec/compiled.ts';
import type { BuildOptions } from './build-options.ts';
import type { WrittenCompression } from './compression.ts';
import { PIECES_MAX } from './row-merge.ts';

/** Compressions of a segment to be written. */
export interface BuildCompression {
  readonly dimensions: WrittenCompression;
  readonly metrics: WrittenCompression | 'none';
}

const RESERVED = ['__time', 'index.drd', 'metadata.drd'];

/** @throws Failure `config` ColumnNameInvalid, IndexSpecUnsupported; `bug` for impossible inputs */
export function checkBuild(options: BuildOptions): BuildCompression {
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
  return compressionOf(options.indexSpec);
}

function invalidName(name: string, fix: string): Failure {
  return new Failure('config', 'ColumnNameInvalid', `column name ${JSON.stringify(name)}: ${fix}`);
}

function compressionOf(spec: CompiledIndexSpec): BuildCompression {
  const { bitmap, dimensionCompression, metricCompression, longEncoding } = spec;
  if (bitmap !== 'roaring') throw unsupported('bitmap', bitmap, 'roaring');
  if (longEncoding !== 'longs') throw unsupported('longEncoding', longEncoding, 'longs');
  if (dimensionCompression === 'lzf') {
    throw unsupported('dimensionCompression', 'lzf', 'lz4, zstd or uncompressed');
  }
  if (metricCompression === 'lzf') {
    throw unsupported('metricCompression', 'lzf', 'lz4, zstd, uncompressed or none');
  }
  return { dimensions: dimensionCompression, metrics: metricCompression };
}

function unsupported(field: string, value: string, fix: string): Failure {
  const text = `indexSpec.${field}: '${value}' is read but not written; use ${fix}`;
  return new Failure('config', 'IndexSpecUnsupported', text);
}
