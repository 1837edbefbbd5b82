// Granularities as queries write them. Source: druid-query-api.md 4.2.

import {
  bucketer,
  type Granularity,
  namedGranularity,
  parsePeriod,
} from '../../../core/model/granularity.ts';
import { Failure, messageOf } from '../../../core/runtime/failure.ts';
import { type Fields, fieldsOf, invalid, isRecord, scalarText, unknownType } from './fields.ts';
import { instantOfText } from './instant.ts';

/**
 * A name or an object.
 *
 * @throws Failure `input` QueryInvalid naming the granularity
 */
export function parseGranularity(value: unknown, path = 'granularity'): Granularity {
  if (value === null || value === undefined)
    throw invalid(`${path}: missing; use a name such as "day" or "all"`);
  if (!isRecord(value)) return named(scalarText(value) ?? '', path);
  const fields = fieldsOf(value, path);
  const type = fields.type('Granularity');
  switch (type) {
    case 'all':
    case 'none':
      return { type };
    case 'period':
      return checked(
        {
          type,
          period: fields.text('period').toUpperCase(),
          timeZone: fields.optionalText('timeZone') ?? 'UTC',
          originMs: origin(fields),
        },
        path,
      );
    case 'duration':
      return { type, durationMs: durationMs(fields), originMs: origin(fields) ?? 0 };
    default: {
      const found = namedGranularity(type);
      if (found === undefined) throw unknownType(type, 'Granularity', fields.at('type'));
      return found;
    }
  }
}

function named(name: string, path: string): Granularity {
  const granularity = namedGranularity(name);
  if (granularity === undefined) {
    throw invalid(
      `${path}: '${name}' is no granularity name; for a period write {"type":"period","period":"${name}"}`,
    );
  }
  return granularity;
}

function durationMs(fields: Fields): number {
  const ms = fields.optionalInteger('duration', 1);
  if (ms === null) throw invalid(`${fields.at('duration')}: missing; give milliseconds`);
  return ms;
}

function origin(fields: Fields): number | null {
  const value = fields.raw('origin');
  if (value === null) return null;
  if (typeof value === 'number') return value;
  const text = fields.text('origin');
  const ms = instantOfText(text);
  if (ms === null) throw invalid(`${fields.at('origin')}: '${text}' is no ISO-8601 date`);
  return ms;
}

/** Fails on a bad period or zone while the query is read, not while it runs. */
function checked(granularity: Granularity & { type: 'period' }, path: string): Granularity {
  try {
    parsePeriod(granularity.period);
    bucketer(granularity);
    return granularity;
  } catch (error) {
    if (error instanceof Failure) throw invalid(`${path}: ${messageOf(error)}`);
    throw error;
  }
}
