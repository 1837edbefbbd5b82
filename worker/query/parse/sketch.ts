// Sketch aggregators and post-aggregators as queries write them. Called by aggregation.ts.
// Source: druid-query-api.md 10, 11.

import { COMPLEX_DEFAULTS } from '../../../core/complex/complex-kind.ts';
import { HLL_TYPES } from '../../../core/complex/hll-registers.ts';
import { QUANTILES_K } from '../../../core/complex/quantiles-sketch.ts';
import { THETA_OPERATIONS } from '../../../core/complex/theta-sketch.ts';
import type { SketchAggregator, SketchPost } from '../sketch-model.ts';
import { type Fields, fieldsOf, invalid, refused, unknownType } from './fields.ts';

/** Aggregator types read here. */
export const SKETCH_AGGREGATOR: RegExp =
  /^(thetaSketch|HLLSketchBuild|HLLSketchMerge|quantilesDoublesSketch|quantilesDoublesSketchMerge)$/;
/** Post-aggregator types read here. */
export const SKETCH_POST: RegExp = /^(thetaSketch|HLLSketch|quantilesDoublesSketch)/;

/** A post-aggregator and its inputs. */
type WithInputs<P> = SketchPost & { readonly fields: readonly P[] };

/** Nominal entries of a theta sketch, at most 2^26 as in DataSketches. */
const SIZE_MAX = 2 ** 26;

/** @throws Failure `input` QueryInvalid naming field and value */
export function parseSketch(fields: Fields, name: string, type: string): SketchAggregator {
  const encoding = fields.optionalText('stringEncoding') ?? 'utf16le';
  if (encoding !== 'utf16le' && encoding !== 'utf8')
    throw invalid(`${fields.at('stringEncoding')}: '${encoding}' is none of utf16le utf8`);
  return {
    type: 'sketch',
    name,
    fieldName: fields.text('fieldName'),
    sketch: {
      type,
      size: powerOfTwo(fields, 'size', 16, SIZE_MAX, COMPLEX_DEFAULTS.size),
      lgK: lgKOf(fields),
      tgtHllType: hllTypeOf(fields),
      k: powerOfTwo(fields, 'k', QUANTILES_K[0], QUANTILES_K[1], COMPLEX_DEFAULTS.k),
    },
    shouldFinalize: fields.boolean('shouldFinalize', true),
    errorBoundsStdDev: type === 'thetaSketch' ? deviationsOf(fields, 'errorBoundsStdDev') : null,
    round: fields.boolean('round', false),
    isUtf8: encoding === 'utf8',
  };
}

function powerOfTwo(
  fields: Fields,
  key: string,
  least: number,
  most: number,
  fallback: number,
): number {
  const value = fields.integer(key, least, fallback);
  if (value > most || !Number.isInteger(Math.log2(value)))
    throw invalid(`${fields.at(key)}: ${value} must be a power of two of ${least} to ${most}`);
  return value;
}

function deviationsOf(fields: Fields, key: string): number | null {
  const deviations = fields.optionalInteger(key, 1);
  if (deviations !== null && deviations > 3)
    throw invalid(`${fields.at(key)}: ${deviations} must be 1 to 3`);
  return deviations;
}

function lgKOf(fields: Fields): number {
  const lgK = fields.integer('lgK', 4, COMPLEX_DEFAULTS.lgK);
  if (lgK > 21) throw invalid(`${fields.at('lgK')}: ${lgK} must be 4 to 21`);
  return lgK;
}

function hllTypeOf(fields: Fields): string {
  const type = fields.optionalText('tgtHllType') ?? COMPLEX_DEFAULTS.tgtHllType;
  if (!HLL_TYPES.some((known) => known === type))
    throw invalid(`${fields.at('tgtHllType')}: '${type}' is none of ${HLL_TYPES.join(' ')}`);
  return type;
}

/** `parse` reads a nested post-aggregator. @throws Failure `input` QueryInvalid naming field and value */
export function parseSketchPost<P>(
  fields: Fields,
  name: string,
  type: string,
  parse: (fields: Fields) => P,
): WithInputs<P> {
  const one = (): P[] => [parse(fields.object('field'))];
  switch (type) {
    case 'thetaSketchEstimate':
      return {
        type,
        name,
        fields: one(),
        errorBoundsStdDev: deviationsOf(fields, 'errorBoundsStdDev'),
      };
    case 'thetaSketchSetOp':
      return parseSetOp(fields, name, many(fields, parse));
    case 'HLLSketchEstimate':
      return { type, name, fields: one(), round: fields.boolean('round', false) };
    case 'HLLSketchEstimateWithBounds':
      return { type, name, fields: one(), numStdDev: deviationsOf(fields, 'numStdDev') ?? 1 };
    case 'HLLSketchUnion': {
      const inputs = many(fields, parse);
      return { type, name, fields: inputs, lgK: lgKOf(fields), tgtHllType: hllTypeOf(fields) };
    }
    case 'quantilesDoublesSketchToQuantile':
      return quantiles(name, one(), 'quantile', [fractionOf(fields, fields.text('fraction'))]);
    case 'quantilesDoublesSketchToQuantiles':
      return quantiles(
        name,
        one(),
        'quantiles',
        fields.texts('fractions').map((text) => fractionOf(fields, text)),
      );
    case 'quantilesDoublesSketchToRank':
      return quantiles(name, one(), 'rank', [numberOf(fields, 'value', fields.text('value'))]);
    case 'quantilesDoublesSketchToCDF':
      return quantiles(name, one(), 'cdf', splitPoints(fields));
    case 'quantilesDoublesSketchToHistogram': {
      const bins = fields.integer('numBins', 2, 10);
      if (bins > 65_536) throw invalid(`${fields.at('numBins')}: ${bins} must be at most 65536`);
      const splits = fields.has('splitPoints') ? splitPoints(fields) : [];
      return { ...quantiles(name, one(), 'histogram', splits), bins };
    }
    default:
      if (
        /^(thetaSketch(Constant|ToString)|HLLSketchToString|quantilesDoublesSketchToString)$/.test(
          type,
        )
      )
        throw refused(`${fields.at('type')}: post-aggregator ${type}`);
      throw unknownType(type, 'PostAggregator', fields.at('type'));
  }
}

function many<P>(fields: Fields, parse: (fields: Fields) => P): P[] {
  return fields
    .list('fields')
    .map((value, i) => parse(fieldsOf(value, `${fields.at('fields')}[${i}]`)));
}

function parseSetOp<P>(fields: Fields, name: string, inputs: P[]): WithInputs<P> {
  const text = fields.text('func');
  const func = THETA_OPERATIONS.find((known) => known === text);
  if (func === undefined)
    throw invalid(`${fields.at('func')}: '${text}' is none of ${THETA_OPERATIONS.join(' ')}`);
  if (inputs.length < 2) throw invalid(`${fields.at('fields')}: give at least two`);
  const size = powerOfTwo(fields, 'size', 16, SIZE_MAX, COMPLEX_DEFAULTS.size);
  return { type: 'thetaSketchSetOp', name, fields: inputs, func, size };
}

function quantiles<P>(
  name: string,
  fields: readonly P[],
  fn: 'quantile' | 'quantiles' | 'histogram' | 'rank' | 'cdf',
  numbers: readonly number[],
): WithInputs<P> & { readonly type: 'quantiles' } {
  return { type: 'quantiles', name, fields, fn, numbers, bins: 0 };
}

function numberOf(fields: Fields, key: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw invalid(`${fields.at(key)}: '${text}' is not a number`);
  return value;
}

function fractionOf(fields: Fields, text: string): number {
  const value = numberOf(fields, 'fraction', text);
  if (value < 0 || value > 1) throw invalid(`${fields.at('fraction')}: ${text} must be 0 to 1`);
  return value;
}

function splitPoints(fields: Fields): number[] {
  const points = fields.texts('splitPoints').map((text) => numberOf(fields, 'splitPoints', text));
  points.forEach((point, i) => {
    if (i > 0 && point <= (points[i - 1] ?? point))
      throw invalid(`${fields.at('splitPoints')}: ${point} must be above the one before`);
  });
  return points;
}
