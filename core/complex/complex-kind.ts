// From an aggregator, as a spec, a query or a segment's metadata writes it, to what its cells are: type name of the
// column, an empty value, how raw input is taken. One table for ingestion, segment merge and queries.

import { HyperUnique } from './hyper-unique.ts';
import { hyperUniqueHasher } from './hyper-unique-hash.ts';
import { type ComplexValue, type ValueHasher } from './complex-value.ts';
import { HLL_TYPES, type HllType } from './hll-registers.ts';
import { hllHasher, HllSketch } from './hll-sketch.ts';
import { QUANTILES_K, QuantilesSketch } from './quantiles-sketch.ts';
import { thetaHasher, thetaOfBytes, ThetaSketch } from './theta-sketch.ts';
import { PAIR_TYPES, pairTypeName, type PairValueType, readPair, TimePair } from './time-pair.ts';

/** An aggregator over a complex column, with the parameters its type takes. */
export interface ComplexAggregator {
  readonly type: string;
  /** thetaSketch. Default 16384. */
  readonly size?: number;
  /** HLLSketch. Default 12. */
  readonly lgK?: number;
  /** HLLSketch. Default HLL_4. */
  readonly tgtHllType?: string;
  /** quantilesDoublesSketch. Default 128. */
  readonly k?: number;
  /** stringFirst, stringLast. Default 1024. */
  readonly maxStringBytes?: number;
}

/** What raw values become: hashes in a sketch, numbers in a sketch, or the value of a time. */
export type ComplexInput =
  | { readonly kind: 'hashes'; readonly hasher: ValueHasher }
  | { readonly kind: 'numbers' }
  | { readonly kind: 'pair'; readonly type: PairValueType };

/** How cells of a column come about. */
export interface ComplexKind {
  /** Druid's name of the column type. */
  readonly typeName: string;
  readonly input: ComplexInput;
  /** An empty value. */
  make(): ComplexValue;
  /** Bytes as stored; undefined = a null element. */
  stored(value: ComplexValue): Uint8Array | undefined;
}

/** Defaults of parameters. */
export const COMPLEX_DEFAULTS = {
  size: 16_384,
  lgK: 12,
  tgtHllType: 'HLL_4',
  k: 128,
  maxStringBytes: 1024,
} as const;

const PAIR = /^(long|double|float|string)(First|Last)$/;

/** False for parameters that no sketch can have, as damaged metadata may name them. */
function isSound({ size, lgK, k, maxStringBytes }: ComplexAggregator): boolean {
  const isPower = (value: number | undefined, least: number, most: number): boolean =>
    value === undefined || (Number.isInteger(Math.log2(value)) && value >= least && value <= most);
  return (
    isPower(size, 16, 2 ** 26) &&
    isPower(k, ...QUANTILES_K) &&
    (lgK === undefined || (Number.isInteger(lgK) && lgK >= 4 && lgK <= 21)) &&
    (maxStringBytes === undefined || (Number.isSafeInteger(maxStringBytes) && maxStringBytes >= 0))
  );
}

/**
 * What an aggregator's column holds; undefined when the aggregator stores plain numbers, is unknown, or has parameters
 * that cannot be.
 */
export function complexKind(aggregator: ComplexAggregator): ComplexKind | undefined {
  if (!isSound(aggregator)) return undefined;
  const pair = PAIR.exec(aggregator.type);
  if (pair !== null) return pairKind(aggregator, pair[1] ?? '', pair[2] === 'First');
  switch (aggregator.type) {
    case 'hyperUnique':
      return plain(
        'hyperUnique',
        { kind: 'hashes', hasher: hyperUniqueHasher },
        () => new HyperUnique(),
      );
    case 'thetaSketch': {
      const size = aggregator.size ?? COMPLEX_DEFAULTS.size;
      const input = { kind: 'hashes', hasher: thetaHasher } as const;
      return emptyAsNoBytes(plain('thetaSketch', input, () => new ThetaSketch(size)));
    }
    case 'HLLSketchBuild':
    case 'HLLSketchMerge':
      return hllKind(aggregator);
    case 'quantilesDoublesSketch':
    case 'quantilesDoublesSketchMerge': {
      const k = aggregator.k ?? COMPLEX_DEFAULTS.k;
      const kind = plain(
        'quantilesDoublesSketch',
        { kind: 'numbers' },
        () => new QuantilesSketch(k),
      );
      return emptyAsNoBytes(kind);
    }
    default:
      return undefined;
  }
}

function plain(typeName: string, input: ComplexInput, make: () => ComplexValue): ComplexKind {
  return { typeName, input, make, stored: (value) => value.toBytes() };
}

/** Bytes of sketches that hold nothing: Druid stores an element of no bytes instead. */
const EMPTY_BYTES = 8;

function emptyAsNoBytes(kind: ComplexKind): ComplexKind {
  return {
    ...kind,
    stored(value) {
      const bytes = value.toBytes();
      return bytes.length === EMPTY_BYTES ? bytes.subarray(0, 0) : bytes;
    },
  };
}

function hllKind(aggregator: ComplexAggregator): ComplexKind {
  const lgK = aggregator.lgK ?? COMPLEX_DEFAULTS.lgK;
  const type = hllType(aggregator.tgtHllType);
  return {
    typeName: 'HLLSketch',
    input: { kind: 'hashes', hasher: hllHasher(false) },
    make: () => new HllSketch(lgK, type),
    stored: (value) => (value instanceof HllSketch && value.isEmpty ? undefined : value.toBytes()),
  };
}

/** The type of that name; the default for any other. */
export function hllType(name: string | undefined): HllType {
  return HLL_TYPES.find((type) => type === name) ?? COMPLEX_DEFAULTS.tgtHllType;
}

function pairKind(aggregator: ComplexAggregator, word: string, isFirst: boolean): ComplexKind {
  const type =
    (['LONG', 'DOUBLE', 'FLOAT'] as const).find((t) => t.toLowerCase() === word) ?? 'STRING';
  const bytesMax = aggregator.maxStringBytes ?? COMPLEX_DEFAULTS.maxStringBytes;
  const input = { kind: 'pair', type } as const;
  return plain(pairTypeName(type), input, () => new TimePair(type, isFirst, bytesMax));
}

/**
 * Reads an object of a column; objects of unknown types are taken as they are.
 *
 * @throws Failure `corrupt` ComplexCorrupt
 */
export function checkObject(typeName: string, bytes: Uint8Array): void {
  const pair = PAIR_TYPES[typeName];
  if (pair !== undefined) readPair(pair, bytes);
  else if (typeName === 'hyperUnique') new HyperUnique().foldBytes(bytes);
  else if (typeName === 'thetaSketch') thetaOfBytes(bytes);
  else if (typeName === 'HLLSketch') HllSketch.ofBytes(bytes);
  else if (typeName === 'quantilesDoublesSketch') QuantilesSketch.ofBytes(bytes);
}
