// Bytes of one record -> time and typed fields. Fed by the index thread with slices of a record set; feeds the
// in-memory index through RowFields. Two steps, because a late row needs no fields: `readTime`, then `readFields`.
//
// A field that cannot be read as its column's type becomes null and is counted (processedWithError); a record that
// is no row at all is unparseable, with a reason. Invariant I6: neither ever throws.

import type { CompiledSchema } from '../../core/spec/compiled.ts';
import { bucketer, type Bucketer } from '../../core/model/granularity.ts';
import { FIELD_VALUE, type MetricInput, type RowFields, type TargetType } from '../view/fields.ts';
import { FieldReader } from './field-reader.ts';
import {
  RAW_ABSENT,
  RAW_ARRAY,
  RAW_DECIMAL,
  RAW_ESCAPED,
  RAW_INTEGER,
  RAW_NULL,
  RAW_NUMBER_TEXT,
  RAW_OBJECT,
  RAW_STRING,
  SCAN_INVALID_UTF8,
  SCAN_NOT_OBJECT,
  SCAN_OK,
  SCAN_TOO_DEEP,
} from './json-cursor.ts';
import { JsonScanner } from './json-scanner.ts';
import { MAX_EVENT_MS, MIN_EVENT_MS, timestampReader, type TimestampReader } from './timestamp.ts';

/** Longest record that is looked at, bytes. */
export const MAX_RECORD_BYTES: number = 8 * 1024 * 1024;
/** Most dimensions that discovery makes; further fields are counted as errors of the row. */
const MAX_DISCOVERED_DIMENSIONS = 1000;

/** Why a record is not a row, the same words in metrics, samples and dead letters. Index 0 = it is one. */
export const PARSE_REASONS: readonly string[] = [
  '',
  'notAnObject',
  'malformed',
  'tooDeep',
  'invalidUtf8',
  'tooLarge',
  'timestampMissing',
  'timestampInvalid',
  'timestampOutOfRange',
];

/** Parser of one schema. One instance a thread; fields are valid until the next record. */
export class RowParser {
  readonly fields: RowFields;
  /** Event time before truncation, epoch ms. */
  eventMs = 0;
  /** Fields of the last row that could not be read as their type. */
  fieldErrors = 0;
  /** Names of the dimension targets: those listed, or those discovered so far in order of appearance. */
  readonly dimensionNames: string[];

  readonly #scanner: JsonScanner = new JsonScanner();
  readonly #reader: FieldReader;
  readonly #schema: CompiledSchema;
  readonly #timestamp: TimestampReader;
  readonly #bucketer: Bucketer;
  readonly #timeSlot: number;
  #dimensionSlots: Int32Array;
  #dimensionTypes: TargetType[];
  readonly #metricSlots: Int32Array;
  readonly #metricTypes: readonly MetricInput[];
  /** Discovery: slots that have been decided, dimension or not. */
  #decided: Uint8Array = new Uint8Array(64);

  /** `discovered`: dimensions met before a restart, in their order; only with discovery. */
  constructor(schema: CompiledSchema, discovered: readonly string[] = []) {
    this.#schema = schema;
    this.#timestamp = timestampReader(schema.timestamp.format);
    this.#bucketer = bucketer(schema.queryGranularity);
    const keys = this.#scanner.keys;
    this.#timeSlot = keys.add(schema.timestamp.column);
    this.dimensionNames = schema.dimensions.map((d) => d.name);
    this.#dimensionSlots = Int32Array.from(schema.dimensions, (d) => keys.add(d.name));
    this.#dimensionTypes = schema.dimensions.map((d) => d.type);
    this.#metricSlots = Int32Array.from(schema.metrics, (m) =>
      m.type === 'count' ? -1 : keys.add(m.fieldName),
    );
    this.#metricTypes = schema.metrics.map((m) => metricInput(m.type));
    this.#reader = new FieldReader(this.#scanner, schema.dimensions.length, schema.metrics.length);
    this.fields = this.#reader.fields;
    this.#excludeFromDiscovery();
    if (schema.discovery) for (const name of discovered) this.#addDimension(keys.add(name));
  }

  /** Sets the buffer of the following records. */
  setBytes(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#scanner.setBytes(bytes, view);
    this.#reader.setBytes(bytes, view);
  }

  /** Scans the record and reads its time into `eventMs`. Returns an index of PARSE_REASONS. */
  readTime(start: number, end: number): number {
    if (end - start > MAX_RECORD_BYTES) return 5;
    const scan = this.#scanner.scan(start, end);
    if (scan !== SCAN_OK) {
      return scan === SCAN_NOT_OBJECT
        ? 1
        : scan === SCAN_TOO_DEEP
          ? 3
          : scan === SCAN_INVALID_UTF8
            ? 4
            : 2;
    }
    const ms = this.#time();
    if (ms === undefined) return 6;
    if (Number.isNaN(ms)) return 7;
    if (!(ms >= MIN_EVENT_MS && ms < MAX_EVENT_MS)) return 8;
    this.eventMs = ms;
    return 0;
  }

  /** Fills `fields` from the record just scanned. */
  readFields(): void {
    const { fields } = this;
    fields.eventMs = this.eventMs;
    fields.timeMs = this.#bucketer.startOf(this.eventMs);
    this.#reader.beginRow();
    if (this.#schema.discovery) this.#discover();
    this.#readDimensions();
    for (let i = 0; i < this.#metricSlots.length; i++) {
      const slot = this.#metricSlots[i] as number;
      if (slot < 0) this.#reader.countMetric(i);
      else this.#reader.metric(i, slot, this.#metricTypes[i] as MetricInput);
    }
    this.fieldErrors = this.#reader.errors;
  }

  /** Plain text, the rule, is passed on here; whatever else there may be is the reader's. */
  #readDimensions(): void {
    const slots = this.#dimensionSlots;
    const types = this.#dimensionTypes;
    const { kind, start, end, hash } = this.#scanner;
    const { dimensionState, text } = this.fields;
    const { source, start: starts, end: ends, hash: hashes } = text;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const type = types[i] as TargetType;
      if (type !== 'string') {
        this.#reader.numericDimension(i, slot, type);
      } else if (kind[slot] === RAW_STRING) {
        dimensionState[i] = FIELD_VALUE;
        source[i] = 0;
        starts[i] = start[slot] as number;
        ends[i] = end[slot] as number;
        hashes[i] = hash[slot] as number;
      } else {
        this.#reader.stringDimension(i, slot);
      }
    }
  }

  /** Undefined when the row has none and no missingValue is set, NaN when it cannot be read. */
  #time(): number | undefined {
    const scanner = this.#scanner;
    const slot = this.#timeSlot;
    switch (scanner.kind[slot]) {
      case RAW_ABSENT:
      case RAW_NULL:
        return this.#schema.timestamp.missingValueMs ?? undefined;
      case RAW_STRING:
      case RAW_NUMBER_TEXT:
        return this.#timestamp.fromText(
          scanner.bytes,
          scanner.start[slot] as number,
          scanner.end[slot] as number,
        );
      case RAW_ESCAPED: {
        const text = this.#reader.unescape(
          scanner.start[slot] as number,
          scanner.end[slot] as number,
        );
        return this.#timestamp.fromText(text, 0, text.length);
      }
      case RAW_INTEGER:
      case RAW_DECIMAL:
        return this.#timestamp.fromNumber(scanner.number[slot] as number);
      default:
        return Number.NaN;
    }
  }

  #excludeFromDiscovery(): void {
    const { schema, keys } = { schema: this.#schema, keys: this.#scanner.keys };
    const excluded = [
      schema.timestamp.column,
      '__time',
      ...schema.dimensionExclusions,
      ...schema.metrics.flatMap((m) => (m.type === 'count' ? [m.name] : [m.name, m.fieldName])),
    ];
    for (const name of excluded) this.#decide(keys.add(name));
  }

  #decide(slot: number): void {
    if (slot < 0) return;
    if (slot >= this.#decided.length) {
      const decided = new Uint8Array(Math.max(slot + 1, this.#decided.length * 2));
      decided.set(this.#decided);
      this.#decided = decided;
    }
    this.#decided[slot] = 1;
  }

  /** Makes a string dimension of each root field that is met for the first time with a simple value or a list. */
  #discover(): void {
    const { keys, kind } = this.#scanner;
    for (let slot = 0; slot < keys.size; slot++) {
      const raw = kind[slot] as number;
      if (raw === RAW_ABSENT || raw === RAW_NULL || raw === RAW_OBJECT || this.#decided[slot] === 1)
        continue;
      if (raw === RAW_ARRAY && !this.#reader.isFlatList(slot)) continue;
      if (
        this.dimensionNames.length >= MAX_DISCOVERED_DIMENSIONS ||
        !isColumnName(keys.name(slot))
      ) {
        this.#reader.errors++;
        continue;
      }
      this.#addDimension(slot);
    }
  }

  #addDimension(slot: number): void {
    this.#decide(slot);
    this.dimensionNames.push(this.#scanner.keys.name(slot));
    this.#dimensionSlots = Int32Array.from([...this.#dimensionSlots, slot]);
    this.#dimensionTypes.push('string');
    this.#reader.growDimensions(this.dimensionNames.length);
  }
}

/** Names a segment file can hold. Source: druid-segment-format.md 1.1, 1.2. */
function isColumnName(name: string): boolean {
  return name !== '' && name !== 'index.drd' && name !== 'metadata.drd' && !/[,\n\r]/.test(name);
}

function metricInput(type: string): MetricInput {
  if (type.startsWith('string') || type === 'hyperUnique') return 'string';
  if (type === 'thetaSketch' || type === 'HLLSketchBuild') return 'value';
  if (type === 'quantilesDoublesSketch') return 'double';
  return type.startsWith('double') ? 'double' : type.startsWith('float') ? 'float' : 'long';
}
