// metadata.drd: the JSON a segment says of itself. Reader (tolerant: Druid ignores what it cannot read) and
// writer. Source: druid-segment-format.md 1.4, 8.1.

import { druidGranularity, type Granularity } from '../../core/model/granularity.ts';
import type { CombiningAggregator, ViewMetadata } from '../view/view.ts';
import { isJsonObject, textAt } from './json-object.ts';
import type { SegmentFiles } from './segment-files.ts';

/** Metadata, and the declared row order by column; null = `__time` only. */
export interface SegmentMetadata extends ViewMetadata {
  readonly ordering: readonly { readonly columnName: string; readonly order: string }[] | null;
}

const NOTHING: SegmentMetadata = {
  aggregators: null,
  queryGranularity: null,
  rollup: null,
  timestampSpec: null,
  ordering: null,
};

/** Reads metadata.drd; what is absent or malformed is null. */
export function readSegmentMetadata(files: SegmentFiles): SegmentMetadata {
  const file = files.find('metadata.drd');
  if (file === undefined) return NOTHING;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(file.read(0, file.length)));
  } catch (error) {
    if (error instanceof SyntaxError) return NOTHING;
    throw error;
  }
  if (!isJsonObject(json)) return NOTHING;
  const rollup = json['rollup'];
  return {
    aggregators: readList(json['aggregators'], readAggregator),
    queryGranularity: json['queryGranularity'] ?? null,
    rollup: typeof rollup === 'boolean' ? rollup : null,
    timestampSpec: json['timestampSpec'] ?? null,
    ordering: readList(json['ordering'], (item) => {
      const columnName = isJsonObject(item) ? textAt(item, 'columnName') : undefined;
      const order = isJsonObject(item) ? textAt(item, 'order') : undefined;
      return columnName === undefined || order === undefined ? undefined : { columnName, order };
    }),
  };
}

function readList<T>(value: unknown, read: (item: unknown) => T | undefined): T[] | null {
  if (!Array.isArray(value)) return null;
  const list = value.map(read).filter((item) => item !== undefined);
  return list.length === value.length ? list : null;
}

/** Keys beyond the three are kept: segmentMetadata prints them. */
function readAggregator(item: unknown): CombiningAggregator | undefined {
  if (!isJsonObject(item)) return undefined;
  const type = textAt(item, 'type');
  const name = textAt(item, 'name');
  if (type === undefined || name === undefined) return undefined;
  return { ...item, type, name, fieldName: textAt(item, 'fieldName') ?? name };
}

/** What {@link writeSegmentMetadata} writes. */
interface MetadataToWrite {
  readonly aggregators: readonly CombiningAggregator[];
  readonly timestampSpec: unknown;
  readonly queryGranularity: Granularity;
  readonly rollup: boolean;
  /** In segment order. */
  readonly dimensions: readonly string[];
}

/** The bytes of metadata.drd, keys in Druid's order. */
export function writeSegmentMetadata(metadata: MetadataToWrite): Uint8Array {
  const ordering = ['__time', ...metadata.dimensions];
  const json = {
    container: {},
    aggregators: metadata.aggregators,
    timestampSpec: metadata.timestampSpec,
    queryGranularity: druidGranularity(metadata.queryGranularity),
    rollup: metadata.rollup,
    ordering: ordering.map((columnName) => ({ columnName, order: 'ascending' })),
  };
  return new TextEncoder().encode(JSON.stringify(json));
}
