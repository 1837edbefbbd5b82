// The --spec of `sluice segment build`: a resource, a Druid supervisor spec or a flat dataSchema -> what to build.
// All three end as a compiled resource, so that the rows take the worker's own path whatever the spec looks like.

import type { Interval } from '../../core/model/interval.ts';
import { Failure } from '../../core/runtime/failure.ts';
import { compileIngestion } from '../../core/spec/compile.ts';
import type { CompiledIngestion } from '../../core/spec/compiled.ts';
import { validateIngestion } from '../../core/spec/validate.ts';
import { parseIntervals } from '../../worker/query/parse/instant.ts';
import { loadResources } from '../resources.ts';
import { readDruidSpec } from './druid-spec.ts';
import { readTextFile } from '../text-file.ts';

/** What to build. */
export interface BuildSpec {
  readonly ingestion: CompiledIngestion;
  /** Rows outside are left out; absent: the time chunk of the first row, and no row may be outside. */
  readonly interval: Interval | undefined;
}

/** Where a field of the resource is in a Druid spec, longest first. */
const DRUID_FIELDS: readonly (readonly [string, string])[] = [
  ['spec.schema.dimensions', 'dimensionsSpec.dimensions'],
  ['spec.schema.dimensionExclusions', 'dimensionsSpec.dimensionExclusions'],
  ['spec.schema.metrics', 'metricsSpec'],
  ['spec.schema.timestamp', 'timestampSpec'],
  ['spec.segments.', ''],
  ['spec.schema.', ''],
  ['spec.', ''],
];

/** Reads the file. @throws Failure `config` FileUnreadable, YamlInvalid, SpecInvalid */
export function readBuildSpec(file: string): BuildSpec {
  const text = readTextFile(file, `--spec ${file}:`, 'give the path of a spec');
  const druid = parseJson(text);
  // A resource may be written in JSON too; only it has a kind.
  if (druid === undefined || (isObject(druid) && 'kind' in druid)) return resourceSpec(file);
  const { resource, interval } = readDruidSpec(druid);
  const { resource: sound, problems } = validateIngestion(resource);
  if (sound === undefined) {
    const lines = problems.map((p) => `  ${druidField(p.field)}: ${p.message}`).join('\n');
    throw new Failure('config', 'SpecInvalid', `${file}: the spec is not valid\n${lines}`);
  }
  return {
    ingestion: compileIngestion(sound, '.'),
    interval: interval === undefined ? undefined : readInterval(interval, 'interval'),
  };
}

/** ISO start/end, partial dates and periods allowed. @throws Failure `config` SpecInvalid */
export function readInterval(text: string, field: string): Interval {
  const { intervals } = parseIntervals(text);
  const [interval] = intervals;
  if (interval !== undefined && intervals.length === 1) return interval;
  throw new Failure(
    'config',
    'SpecInvalid',
    `${field}: value "${text}": write start/end, for example 2024-01-01/2024-01-02`,
  );
}

function resourceSpec(file: string): BuildSpec {
  const ingestions = loadResources([file]);
  const [ingestion] = ingestions;
  if (ingestion === undefined || ingestions.length > 1)
    throw new Failure(
      'config',
      'SpecInvalid',
      `${file}: holds ${ingestions.length} resources; --spec takes one`,
    );
  if (ingestion.schema.lateness.policy === 'serverTime')
    throw new Failure(
      'config',
      'SpecInvalid',
      `${file}: spec.lateness.policy: value "serverTime": lines of a file have no record time; use messageTime or none`,
    );
  return { ingestion, interval: undefined };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function druidField(field: string): string {
  for (const [ours, druids] of DRUID_FIELDS) {
    if (field.startsWith(ours)) return druids + field.slice(ours.length);
  }
  return field;
}
