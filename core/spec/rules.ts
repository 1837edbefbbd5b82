// Rules between fields of a resource, and the fields that are refused because their feature is not built. Each rule
// is a small function over the whole resource; validate.ts runs them all once the schema accepts the resource.

import { GRANULARITY_NAMES } from '../model/granularity.ts';
import { isFailure } from '../runtime/failure.ts';
import { compileGranularity, compilePeriodMs } from './granularity-text.ts';
import type { RealtimeIngestion, RealtimeIngestionSpec } from './realtime-ingestion.ts';
import type { SpecProblem } from './spec-problem.ts';

type Rule = (spec: RealtimeIngestionSpec) => readonly SpecProblem[];

/** Every problem between fields. */
export function crossFieldProblems(resource: RealtimeIngestion): readonly SpecProblem[] {
  return RULES.flatMap((rule) => rule(resource.spec));
}

const RULES: readonly Rule[] = [
  exactlyOneSource,
  startNamesItsValue,
  columnNamesRepeat,
  metricWithoutField,
  metricParameterDoesNotFit,
  timestampMissingValue,
  granularityUnknown,
  latenessImpossible,
  deadLetterTarget,
  featureMissing,
];

function exactlyOneSource({ source }: RealtimeIngestionSpec): SpecProblem[] {
  const given = Object.keys(source);
  if (given.length === 1) return [];
  const value = given.length === 0 ? 'neither' : given.join(' and ');
  return [{ field: 'spec.source', message: `value ${value}: give exactly one of kafka and file` }];
}

function startNamesItsValue({ source }: RealtimeIngestionSpec): SpecProblem[] {
  const start = source.kafka?.start;
  const field = 'spec.source.kafka.start';
  if (start === undefined) return [];
  const problems: SpecProblem[] = [];
  if (
    start.from === 'Timestamp' &&
    (start.timestamp === undefined || Number.isNaN(Date.parse(start.timestamp)))
  ) {
    problems.push({
      field: `${field}.timestamp`,
      message: `value ${start.timestamp ?? 'missing'}: from: Timestamp needs an ISO instant such as 2024-01-01T00:00:00Z`,
    });
  }
  if (start.from !== 'Timestamp' && start.timestamp !== undefined) {
    problems.push({
      field: `${field}.timestamp`,
      message: `is used only with from: Timestamp; remove it or change from (now ${start.from})`,
    });
  }
  if (start.from === 'Offsets' && (start.offsets === undefined || start.offsets.length === 0)) {
    problems.push({
      field: `${field}.offsets`,
      message: 'from: Offsets needs a list of partition and offset',
    });
  }
  if (start.from !== 'Offsets' && start.offsets !== undefined) {
    problems.push({
      field: `${field}.offsets`,
      message: `is used only with from: Offsets; remove it or change from (now ${start.from})`,
    });
  }
  return problems;
}

function columnNamesRepeat({ schema }: RealtimeIngestionSpec): SpecProblem[] {
  const seen = new Map<string, string>();
  const columns = [
    ...(schema.dimensions ?? []).map(
      (d, i) => [d.name, `spec.schema.dimensions[${i}].name`] as const,
    ),
    ...(schema.metrics ?? []).map((m, i) => [m.name, `spec.schema.metrics[${i}].name`] as const),
  ];
  const problems: SpecProblem[] = [];
  for (const [name, field] of columns) {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, field);
    else
      problems.push({
        field,
        message: `value "${name}": already the name of ${first}; columns need different names`,
      });
  }
  if (schema.dimensionExclusions !== undefined && (schema.dimensions ?? []).length > 0) {
    problems.push({
      field: 'spec.schema.dimensionExclusions',
      message: 'is used only with discovery; remove it, or leave spec.schema.dimensions empty',
    });
  }
  return problems;
}

function metricWithoutField({ schema }: RealtimeIngestionSpec): SpecProblem[] {
  return (schema.metrics ?? []).flatMap((m, i) =>
    m.type !== 'count' && m.fieldName === undefined
      ? [
          {
            field: `spec.schema.metrics[${i}].fieldName`,
            message: `is required by type ${m.type}; name the input field`,
          },
        ]
      : [],
  );
}

/** Parameters of metrics: which types take them, and which must be powers of two. */
const METRIC_PARAMETERS = [
  ['size', /^thetaSketch$/, true],
  ['lgK', /^HLLSketchBuild$/, false],
  ['tgtHllType', /^HLLSketchBuild$/, false],
  ['k', /^quantilesDoublesSketch$/, true],
  ['maxStringBytes', /^string(First|Last)$/, false],
] as const;

function metricParameterDoesNotFit({ schema }: RealtimeIngestionSpec): SpecProblem[] {
  return (schema.metrics ?? []).flatMap((m, i) =>
    METRIC_PARAMETERS.flatMap(([key, types, isPower]) => {
      const value = m[key];
      if (value === undefined) return [];
      const field = `spec.schema.metrics[${i}].${key}`;
      if (!types.test(m.type))
        return [{ field, message: `is not a parameter of type ${m.type}; remove it` }];
      const isBad = isPower && !Number.isInteger(Math.log2(Number(value)));
      return isBad ? [{ field, message: `value ${value}: use a power of two` }] : [];
    }),
  );
}

function timestampMissingValue({ schema }: RealtimeIngestionSpec): SpecProblem[] {
  const value = schema.timestamp?.missingValue;
  if (value === undefined || !Number.isNaN(Date.parse(value))) return [];
  return [
    {
      field: 'spec.schema.timestamp.missingValue',
      message: `value "${value}": use an ISO instant such as 1970-01-01T00:00:00Z`,
    },
  ];
}

function granularityUnknown({ schema }: RealtimeIngestionSpec): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const zone = schema.timeZone ?? 'UTC';
  for (const key of ['queryGranularity', 'segmentGranularity'] as const) {
    const value = schema[key] ?? (key === 'queryGranularity' ? 'none' : 'day');
    try {
      compileGranularity(value, zone);
    } catch (error) {
      const isZone = isFailure(error) && error.code === 'TimeZoneInvalid';
      problems.push({
        field: `spec.schema.${isZone ? 'timeZone' : key}`,
        message: isZone
          ? `value "${zone}": unknown; use an IANA name such as America/Los_Angeles`
          : `value "${value}": use one of ${GRANULARITY_NAMES.join(', ')} or an ISO period such as PT5M`,
      });
    }
  }
  if (problems.length > 0) return problems.slice(0, 1);
  const segment = compileGranularity(schema.segmentGranularity ?? 'day', zone);
  if (segment.type === 'all' || segment.type === 'none') {
    return [
      {
        field: 'spec.schema.segmentGranularity',
        message: `value "${schema.segmentGranularity}": a time chunk needs a length; use hour, day, week, month, year or an ISO period`,
      },
    ];
  }
  const query = compileGranularity(schema.queryGranularity ?? 'none', zone);
  if (
    query.type === 'period' &&
    lengthMs(query.period) > lengthMs(segment.type === 'period' ? segment.period : 'P1D')
  ) {
    return [
      {
        field: 'spec.schema.queryGranularity',
        message: `value "${schema.queryGranularity}": coarser than segmentGranularity ${schema.segmentGranularity ?? 'day'}; choose one that divides it`,
      },
    ];
  }
  return [];
}

/** Rough length, for comparison only. */
function lengthMs(period: string): number {
  const days = /^P(\d+)([YM])$/.exec(period);
  if (days === null) return compilePeriodMs(period);
  return Number(days[1]) * (days[2] === 'Y' ? 365 : 30) * 86_400_000;
}

function latenessImpossible({ lateness, source }: RealtimeIngestionSpec): SpecProblem[] {
  const problems: SpecProblem[] = [];
  if (lateness?.policy === 'serverTime' && source.file !== undefined) {
    problems.push({
      field: 'spec.lateness.policy',
      message: 'value "serverTime": lines of a file have no record time; use messageTime or none',
    });
  }
  for (const key of ['windowPeriod', 'latePeriod', 'earlyPeriod'] as const) {
    const value = lateness?.[key];
    if (value !== undefined && /^P[^T]*[YM]/i.test(value)) {
      problems.push({
        field: `spec.lateness.${key}`,
        message: `value "${value}": months and years have no fixed length; use weeks, days, hours, minutes or seconds`,
      });
    }
  }
  return problems;
}

function deadLetterTarget({ badRecords, source }: RealtimeIngestionSpec): SpecProblem[] {
  const target = badRecords?.deadLetter;
  if (target === undefined) return [];
  if ((target.topic === undefined) === (target.prefix === undefined)) {
    return [
      { field: 'spec.badRecords.deadLetter', message: 'give exactly one of topic and prefix' },
    ];
  }
  if (target.topic !== undefined && source.kafka === undefined) {
    return [
      { field: 'spec.badRecords.deadLetter.topic', message: 'needs a kafka source; use prefix' },
    ];
  }
  return [];
}

/** Fields whose feature is not built: refused by name, never ignored. */
function featureMissing(spec: RealtimeIngestionSpec): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const refuse = (field: string, isGiven: boolean, instead: string): void => {
    if (isGiven) problems.push({ field, message: `is not supported by this release; ${instead}` });
  };
  const { workers, segments, schema } = spec;
  refuse(
    'spec.schema.format.type',
    schema.format.type !== 'json',
    `value "${schema.format.type}": use json`,
  );
  refuse('spec.autoscale', spec.autoscale !== undefined, 'remove it and set spec.workers.count');
  refuse(
    'spec.workers.replicas',
    (workers?.replicas ?? 1) > 1,
    `value ${workers?.replicas}: use 1`,
  );
  refuse('spec.segments.publishTo', segments?.publishTo !== undefined, 'remove it');
  refuse(
    'spec.badRecords.deadLetter',
    spec.badRecords?.deadLetter !== undefined,
    'remove it; bad records are counted and sampled',
  );
  return problems;
}
