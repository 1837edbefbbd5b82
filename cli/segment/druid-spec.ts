// A Druid ingestion spec (a supervisor spec, or a flat dataSchema) -> the resource that says the same. What cannot be
// carried over is refused by its Druid name, never dropped. Feeds build-spec.ts, which validates and compiles the resource.

import { Failure } from '../../core/runtime/failure.ts';
import {
  API_VERSION,
  DIMENSION_TYPES,
  KIND,
  METRIC_TYPES,
} from '../../core/spec/realtime-ingestion.ts';

/** A JSON object of unknown shape. */
export type Json = Readonly<Record<string, unknown>>;

/** What a Druid spec says of building one segment. */
export interface DruidSpec {
  /** A resource as it would be written in YAML; not validated yet. Its source is a placeholder. */
  readonly resource: Json;
  /** `interval` of a flat spec, or the one interval of `granularitySpec.intervals`. */
  readonly interval: string | undefined;
}

/** Reads a supervisor spec (`spec.dataSchema`, with or without the outer `spec`) or a flat one. @throws Failure `config` SpecInvalid */
export function readDruidSpec(value: unknown): DruidSpec {
  const root = object(value, 'spec');
  const outer = root['spec'] === undefined ? root : object(root['spec'], 'spec');
  const isFlat = outer['dataSchema'] === undefined;
  const schema = isFlat ? outer : object(outer['dataSchema'], 'dataSchema');
  const tuning = isFlat ? outer : optionalObject(outer['tuningConfig'], 'tuningConfig');
  const io = isFlat ? outer : optionalObject(outer['ioConfig'], 'ioConfig');
  onlyKeys(schema, isFlat ? FLAT_KEYS : DATA_SCHEMA_KEYS, isFlat ? '' : 'dataSchema.');
  const granularity = isFlat ? outer : optionalObject(schema['granularitySpec'], 'granularitySpec');
  checkInput(io);
  checkTransforms(schema['transformSpec']);
  return {
    resource: {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { name: 'segment' },
      spec: {
        dataSource: schema['dataSource'],
        source: { file: { paths: ['rows'] } },
        schema: present({
          format: { type: 'json' },
          timestamp: timestamp(schema['timestampSpec']),
          ...dimensions(optionalObject(schema['dimensionsSpec'], 'dimensionsSpec')),
          metrics: list(schema['metricsSpec'], 'metricsSpec').map(metric),
          rollup: granularity['rollup'],
          ...queryGranularity(granularity['queryGranularity']),
          segmentGranularity: isFlat ? undefined : name(granularity['segmentGranularity']),
        }),
        segments: present({
          maxRowsInMemory: tuning['maxRowsInMemory'],
          maxBytesInMemory: positive(tuning['maxBytesInMemory']),
          indexSpec: indexSpec(optionalObject(tuning['indexSpec'], 'indexSpec')),
        }),
      },
    },
    interval: interval(granularity),
  };
}

const FLAT_KEYS = [
  'dataSource timestampSpec dimensionsSpec metricsSpec queryGranularity rollup interval indexSpec',
  'maxRowsInMemory maxBytesInMemory transformSpec inputFormat',
].flatMap((words) => words.split(' '));
const DATA_SCHEMA_KEYS =
  'dataSource timestampSpec dimensionsSpec metricsSpec granularitySpec transformSpec'.split(' ');

function refuse(field: string, value: unknown, instead: string): never {
  const shown = value === undefined ? '' : `value ${JSON.stringify(value)}: `;
  throw new Failure('config', 'SpecInvalid', `${field}: ${shown}is not supported; ${instead}`);
}

function object(value: unknown, field: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Failure(
    'config',
    'SpecInvalid',
    `${field}: value ${JSON.stringify(value) ?? 'missing'}: must be an object`,
  );
}

function optionalObject(value: unknown, field: string): Json {
  return value === undefined || value === null ? {} : object(value, field);
}

function list(value: unknown, field: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new Failure('config', 'SpecInvalid', `${field}: must be a list`);
}

function onlyKeys(value: Json, keys: readonly string[], prefix: string): void {
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) refuse(`${prefix}${key}`, undefined, 'remove it');
  }
}

/** Without the members that are undefined or null, which Druid takes as absent. */
function present(value: Json): Json {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined && member !== null),
  );
}

function checkInput(io: Json): void {
  const format = optionalObject(io['inputFormat'], 'inputFormat');
  const type = format['type'] ?? 'json';
  if (type !== 'json') refuse('inputFormat.type', type, 'use json');
  if (format['flattenSpec'] !== undefined && format['flattenSpec'] !== null)
    refuse('inputFormat.flattenSpec', undefined, 'remove it');
}

function checkTransforms(value: unknown): void {
  const { transforms, filter } = optionalObject(value, 'transformSpec');
  if (list(transforms, 'transformSpec.transforms').length > 0)
    refuse('transformSpec.transforms', undefined, 'remove them');
  if (filter !== undefined && filter !== null)
    refuse('transformSpec.filter', undefined, 'remove it');
}

function timestamp(value: unknown): Json {
  const spec = optionalObject(value, 'timestampSpec');
  onlyKeys(spec, ['column', 'format', 'missingValue'], 'timestampSpec.');
  return present(spec);
}

function dimensions(spec: Json): Json {
  for (const key of ['useSchemaDiscovery', 'includeAllDimensions']) {
    if (spec[key] === true) refuse(`dimensionsSpec.${key}`, true, 'list the dimensions, or none');
  }
  if (list(spec['spatialDimensions'], 'dimensionsSpec.spatialDimensions').length > 0)
    refuse('dimensionsSpec.spatialDimensions', undefined, 'remove them');
  const exclusions = list(spec['dimensionExclusions'], 'dimensionsSpec.dimensionExclusions');
  return {
    dimensions: list(spec['dimensions'], 'dimensionsSpec.dimensions').map(dimension),
    ...(exclusions.length === 0 ? {} : { dimensionExclusions: exclusions }),
  };
}

function dimension(value: unknown, i: number): Json {
  if (typeof value === 'string') return { name: value };
  const field = `dimensionsSpec.dimensions[${i}]`;
  const spec = object(value, field);
  onlyKeys(spec, ['name', 'type', 'createBitmapIndex', 'multiValueHandling'], `${field}.`);
  const type = spec['type'] ?? 'string';
  if (!DIMENSION_TYPES.some((known) => known === type))
    refuse(`${field}.type`, type, `use one of ${DIMENSION_TYPES.join(', ')}`);
  const handling = spec['multiValueHandling'];
  return present({
    ...spec,
    multiValueHandling: typeof handling === 'string' ? handling.toLowerCase() : handling,
  });
}

function metric(value: unknown, i: number): Json {
  const field = `metricsSpec[${i}]`;
  const given = object(value, field);
  if (!METRIC_TYPES.some((known) => known === given['type']))
    refuse(`${field}.type`, given['type'], `use one of ${METRIC_TYPES.join(', ')}`);
  if (given['expression'] !== undefined && given['expression'] !== null)
    refuse(`${field}.expression`, given['expression'], 'use fieldName');
  const { parameters, fixed } = metricKeys(String(given['type']));
  for (const [key, only] of Object.entries(fixed)) {
    const word = given[key] ?? only;
    if (word !== only) refuse(`${field}.${key}`, word, `use ${JSON.stringify(only)}`);
  }
  const entries = Object.entries(given).filter(([key]) => !(key in fixed));
  const spec: Json = Object.fromEntries(entries);
  onlyKeys(spec, ['type', 'name', 'fieldName', 'expression', ...parameters], `${field}.`);
  // Druid writes a count's fieldName back into stored specs, where it means nothing.
  return present(spec['type'] === 'count' ? { ...spec, fieldName: undefined } : spec);
}

/** What a metric type takes beyond name and field, and what Druid lets one write of which one value is known here. */
function metricKeys(type: string): {
  readonly parameters: readonly string[];
  readonly fixed: Json;
} {
  if (/^string(First|Last)$/.test(type))
    return { parameters: ['maxStringBytes'], fixed: { timeColumn: '__time' } };
  if (/(First|Last)$/.test(type)) return { parameters: [], fixed: { timeColumn: '__time' } };
  switch (type) {
    case 'hyperUnique':
      return { parameters: [], fixed: { isInputHyperUnique: false, round: false } };
    case 'thetaSketch':
      return { parameters: ['size'], fixed: { isInputThetaSketch: false, shouldFinalize: true } };
    case 'HLLSketchBuild':
      return {
        parameters: ['lgK', 'tgtHllType'],
        fixed: { round: false, shouldFinalize: true, stringEncoding: 'utf16le' },
      };
    case 'quantilesDoublesSketch':
      return {
        parameters: ['k'],
        fixed: { maxStreamLength: 1_000_000_000, shouldFinalize: true },
      };
    default:
      return { parameters: [], fixed: {} };
  }
}

/** A name of any case, or the period of a granularity object. */
function name(value: unknown): unknown {
  if (typeof value === 'string') return value.toLowerCase();
  if (value === undefined || value === null) return undefined;
  const spec = object(value, 'granularity');
  const { type, period, timeZone, origin } = spec;
  if (type === 'none' || type === 'all') return type;
  if (type !== 'period') refuse('granularity.type', type, 'use period, none or all');
  if (origin !== undefined && origin !== null) refuse('granularity.origin', origin, 'remove it');
  if (timeZone !== undefined && timeZone !== null && typeof timeZone !== 'string')
    refuse('granularity.timeZone', timeZone, 'use the name of a zone');
  return period;
}

function queryGranularity(value: unknown): Json {
  const zone =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'timeZone') : undefined;
  return { queryGranularity: name(value), timeZone: zone === null ? undefined : zone };
}

/** Druid's 0 and -1 mean its own default or no limit; ours then holds. */
function positive(value: unknown): unknown {
  return typeof value === 'number' && value <= 0 ? undefined : value;
}

function indexSpec(spec: Json): Json {
  const keys = [
    'bitmap',
    'dimensionCompression',
    'metricCompression',
    'longEncoding',
    'stringDictionaryEncoding',
  ];
  onlyKeys(spec, keys, 'indexSpec.');
  const encoding = optionalObject(spec['stringDictionaryEncoding'], 'stringDictionaryEncoding');
  if ((encoding['type'] ?? 'utf8') !== 'utf8')
    refuse('indexSpec.stringDictionaryEncoding.type', encoding['type'], 'use utf8');
  return present({
    ...spec,
    stringDictionaryEncoding: undefined,
    bitmap: optionalObject(spec['bitmap'], 'indexSpec.bitmap')['type'],
  });
}

function interval(granularity: Json): string | undefined {
  const intervals = list(granularity['intervals'], 'granularitySpec.intervals');
  if (intervals.length > 1)
    refuse('granularitySpec.intervals', intervals, 'give one interval: one segment is built');
  const value = granularity['interval'] ?? intervals[0];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  return refuse('interval', value, 'write start/end');
}
