// Raw fields -> typed targets: text of string dimensions (Druid's own text for numbers and booleans), lists, and
// numbers as two 32-bit halves or a double. Fed by the row parser; fills RowFields.

import {
  FIELD_DOUBLE,
  FIELD_LIST,
  FIELD_LONG,
  FIELD_NULL,
  FIELD_VALUE,
  hashBytes,
  type MetricInput,
  type RowFields,
  type TargetType,
  type TextSlices,
} from '../view/fields.ts';
import { grownSlices, textSlices } from './text-slices.ts';
import { listElements } from './list-elements.ts';
import {
  RAW_ARRAY,
  RAW_DECIMAL,
  RAW_ESCAPED,
  RAW_FALSE,
  RAW_INTEGER,
  RAW_NUMBER_TEXT,
  RAW_STRING,
  RAW_TRUE,
} from './json-cursor.ts';
import type { JsonScanner } from './json-scanner.ts';
import { javaDouble } from './number-text.ts';
import { putNumber } from './number-target.ts';
import { TextScratch } from './text-scratch.ts';

const TWO_32 = 4_294_967_296;

/** Reader of one parser. */
export class FieldReader {
  readonly fields: RowFields;
  /** Unreadable fields of this row. */
  errors = 0;
  readonly #scanner: JsonScanner;
  readonly #scratch: TextScratch = new TextScratch();
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #listUsed = 0;

  constructor(scanner: JsonScanner, dimensions: number, metrics: number) {
    this.#scanner = scanner;
    this.fields = {
      record: new Uint8Array(0),
      scratch: this.#scratch.bytes,
      dimensionCount: dimensions,
      dimensionState: new Uint8Array(dimensions),
      text: textSlices(dimensions),
      listStart: new Int32Array(dimensions),
      listEnd: new Int32Array(dimensions),
      listText: textSlices(64),
      dimensionLow: new Int32Array(dimensions),
      dimensionHigh: new Int32Array(dimensions),
      dimensionDouble: new Float64Array(dimensions),
      metricState: new Uint8Array(metrics),
      metricLow: new Int32Array(metrics),
      metricHigh: new Int32Array(metrics),
      metricDouble: new Float64Array(metrics),
      metricText: textSlices(metrics),
      metricListStart: new Int32Array(metrics),
      metricListEnd: new Int32Array(metrics),
      eventMs: 0,
      timeMs: 0,
    };
  }

  setBytes(bytes: Uint8Array, view: DataView): void {
    this.#bytes = bytes;
    this.#view = view;
    this.fields.record = bytes;
  }

  beginRow(): void {
    this.errors = 0;
    this.#listUsed = 0;
    this.#scratch.reset();
    this.fields.scratch = this.#scratch.bytes;
  }

  /** Makes room for discovered dimensions. */
  growDimensions(count: number): void {
    const f = this.fields;
    f.text = grownSlices(f.text, count);
    f.dimensionCount = count;
    f.dimensionState = new Uint8Array(count);
    f.listStart = new Int32Array(count);
    f.listEnd = new Int32Array(count);
    f.dimensionLow = new Int32Array(count);
    f.dimensionHigh = new Int32Array(count);
    f.dimensionDouble = new Float64Array(count);
  }

  /** Text of anything but a plain string. */
  stringDimension(i: number, slot: number): void {
    const s = this.#scanner;
    const f = this.fields;
    const kind = s.kind[slot] as number;
    if (kind === RAW_ARRAY) {
      this.#list(i, slot);
      return;
    }
    f.dimensionState[i] = this.#textAt(slot, f.text, i) ? FIELD_VALUE : FIELD_NULL;
  }

  numericDimension(i: number, slot: number, type: TargetType): void {
    const f = this.fields;
    f.dimensionState[i] = this.#number(
      slot,
      type,
      f.dimensionLow,
      f.dimensionHigh,
      f.dimensionDouble,
      i,
    );
  }

  metric(i: number, slot: number, type: MetricInput): void {
    const f = this.fields;
    f.metricState[i] =
      type === 'string' || type === 'value'
        ? this.#metricValue(i, slot, type === 'value')
        : this.#number(slot, type, f.metricLow, f.metricHigh, f.metricDouble, i);
  }

  /** Text or a list; with `isTyped` numbers stay numbers, and booleans are no values. */
  #metricValue(i: number, slot: number, isTyped: boolean): number {
    const s = this.#scanner;
    const f = this.fields;
    const kind = s.kind[slot] as number;
    if (kind === RAW_ARRAY) {
      f.metricListStart[i] = this.#listUsed;
      if (!this.#readList(slot)) return FIELD_NULL;
      f.metricListEnd[i] = this.#listUsed;
      return FIELD_LIST;
    }
    if (isTyped && (kind === RAW_TRUE || kind === RAW_FALSE)) {
      this.errors++;
      return FIELD_NULL;
    }
    if (isTyped && (kind === RAW_INTEGER || kind === RAW_DECIMAL || kind === RAW_NUMBER_TEXT)) {
      const [start, end] = [s.start[slot] as number, s.end[slot] as number];
      const isLong =
        kind === RAW_INTEGER ||
        (kind === RAW_NUMBER_TEXT && /^-?\d{1,19}$/.test(this.#text(start, end)));
      const type = isLong ? 'long' : 'double';
      const state = this.#number(slot, type, f.metricLow, f.metricHigh, f.metricDouble, i);
      return state === FIELD_VALUE ? (isLong ? FIELD_LONG : FIELD_DOUBLE) : state;
    }
    return this.#textAt(slot, f.metricText, i) ? FIELD_VALUE : FIELD_NULL;
  }

  countMetric(i: number): void {
    this.fields.metricState[i] = FIELD_VALUE;
    this.fields.metricLow[i] = 1;
    this.fields.metricHigh[i] = 0;
  }

  /** Decoded bytes of an escaped string; the result is the reader's own scratch copy. */
  unescape(start: number, end: number): Uint8Array {
    const at = this.#scratch.unescape(this.#bytes, start, end);
    return this.#scratch.bytes.subarray(at, this.#scratch.used);
  }

  /** True when the array field holds only simple values. */
  isFlatList(slot: number): boolean {
    return Array.isArray(this.#elements(slot));
  }

  /** Writes the text of a non-list value as slice `i`; false when it is null. */
  #textAt(slot: number, out: TextSlices, i: number): boolean {
    const s = this.#scanner;
    const kind = s.kind[slot] as number;
    const [start, end] = [s.start[slot] as number, s.end[slot] as number];
    let at = start;
    let to = end;
    let source = 1;
    if (kind === RAW_STRING || kind === RAW_INTEGER) {
      source = 0;
    } else if (kind === RAW_ESCAPED) {
      at = this.#scratch.unescape(this.#bytes, start, end);
      to = this.#scratch.used;
    } else if (
      kind === RAW_TRUE ||
      kind === RAW_FALSE ||
      kind === RAW_DECIMAL ||
      kind === RAW_NUMBER_TEXT
    ) {
      at = this.#scratch.append(this.#scalarText(kind, start, end, s.number[slot] as number));
      to = this.#scratch.used;
    } else {
      return false;
    }
    this.fields.scratch = this.#scratch.bytes;
    out.source[i] = source;
    out.start[i] = at;
    out.end[i] = to;
    out.hash[i] =
      source === 0 ? hashBytes(this.#bytes, this.#view, at, to) : this.#scratch.hash(at, to);
    return true;
  }

  #scalarText(kind: number, start: number, end: number, number: number): string {
    if (kind === RAW_TRUE) return 'true';
    if (kind === RAW_FALSE) return 'false';
    if (kind === RAW_DECIMAL) return javaDouble(number);
    const text = this.#text(start, end);
    return /^-?\d+$/.test(text) ? text : javaDouble(Number(text));
  }

  #text(start: number, end: number): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start).toString(
      'utf8',
    );
  }

  #elements(slot: number): readonly (string | null)[] | undefined {
    return listElements(
      this.#text(this.#scanner.start[slot] as number, this.#scanner.end[slot] as number),
    );
  }

  #list(i: number, slot: number): void {
    const f = this.fields;
    f.listStart[i] = this.#listUsed;
    f.dimensionState[i] = this.#readList(slot) ? FIELD_LIST : FIELD_NULL;
    f.listEnd[i] = this.#listUsed;
  }

  /** Appends the elements to the list slices; false when there are others than simple values. */
  #readList(slot: number): boolean {
    const elements = this.#elements(slot);
    if (elements === undefined) this.errors++;
    for (const element of elements ?? []) this.#listElement(element);
    return elements !== undefined;
  }

  #listElement(element: string | null): void {
    const f = this.fields;
    const at = this.#listUsed++;
    if (at >= f.listText.start.length) f.listText = grownSlices(f.listText, at * 2);
    f.listText.source[at] = 1;
    f.listText.start[at] = element === null ? -1 : this.#scratch.append(element);
    f.listText.end[at] = this.#scratch.used;
    if (element !== null)
      f.listText.hash[at] = this.#scratch.hash(f.listText.start[at] as number, this.#scratch.used);
    f.scratch = this.#scratch.bytes;
  }

  #number(
    slot: number,
    type: TargetType,
    low: Int32Array,
    high: Int32Array,
    double: Float64Array,
    i: number,
  ): number {
    const s = this.#scanner;
    const kind = s.kind[slot] as number;
    if (kind === RAW_INTEGER || kind === RAW_DECIMAL) {
      const value = s.number[slot] as number;
      if (type !== 'long') {
        double[i] = type === 'float' ? Math.fround(value) : value;
        return FIELD_VALUE;
      }
      const whole = Math.trunc(value);
      low[i] = whole | 0;
      high[i] = Math.floor(whole / TWO_32);
      return FIELD_VALUE;
    }
    if (kind !== RAW_STRING && kind !== RAW_ESCAPED && kind !== RAW_NUMBER_TEXT) {
      // Booleans, lists and objects are no numbers; absent and null are simply null.
      if (kind >= RAW_TRUE) this.errors++;
      return FIELD_NULL;
    }
    const [start, end] = [s.start[slot] as number, s.end[slot] as number];
    const text =
      kind === RAW_ESCAPED
        ? Buffer.from(this.unescape(start, end)).toString('utf8')
        : this.#text(start, end);
    if (text === '') return FIELD_NULL;
    const isNumber = putNumber(text, type, low, high, double, i);
    if (!isNumber) this.errors++;
    return isNumber ? FIELD_VALUE : FIELD_NULL;
  }
}
