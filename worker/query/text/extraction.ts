// Extraction functions compiled to plain functions on text. Fed by dimension specs and filters.
// Source: druid-query-api.md 8.

import { bucketer } from '../../../core/model/granularity.ts';
import type { ExtractionFn, ValueFilter } from '../filter-model.ts';
import { instantOfText } from '../parse/instant.ts';
import { doubleOfText, doubleText, longOfText } from '../value.ts';
import { textMapOf } from './text-map.ts';
import { javaRegex } from './java-regex.ts';
import { jodaFormat } from './joda-format.ts';
import { searchTest } from './text-predicate.ts';

/** Text to text; null in may give text out. */
type Extraction = (text: string | null) => string | null;

/**
 * Compiles an extraction function. Compile once a view, call once a distinct value.
 *
 * @throws Failure `input` QueryInvalid for bad patterns, formats and zones
 */
export function compileExtraction(fn: ExtractionFn): Extraction {
  switch (fn.type) {
    case 'timeFormat':
      return timeFormat(fn);
    case 'regex':
      return regexExtraction(fn);
    case 'partial': {
      const regex = javaRegex(fn.expr);
      return (text) => (text !== null && regex.test(text) ? text : null);
    }
    case 'searchQuery': {
      const test = searchTest(fn.query);
      return (text) => (text !== null && test(text) ? text : null);
    }
    case 'substring': {
      const end = fn.length === null ? undefined : fn.index + fn.length;
      return (text) =>
        text === null || text.length <= fn.index ? null : text.slice(fn.index, end);
    }
    case 'strlen':
      return (text) => (text === null ? null : String(text.length));
    case 'upper':
      return (text) => (text === null ? null : text.toUpperCase());
    case 'lower':
      return (text) => (text === null ? null : text.toLowerCase());
    case 'bucket':
      return (text) => bucketed(text, fn.size, fn.offset);
    case 'stringFormat':
      return stringFormat(fn);
    case 'lookup':
      return lookup(fn);
    case 'cascade': {
      const steps = fn.extractionFns.map(compileExtraction);
      return (text) => steps.reduce((value, step) => step(value), text);
    }
  }
}

function regexExtraction(fn: ExtractionFn & { type: 'regex' }): Extraction {
  const regex = javaRegex(fn.expr);
  return (text) => {
    const match = regex.exec(text ?? '');
    if (match !== null && text !== null) return match[fn.index] ?? null;
    return fn.replaceMissingValue ? fn.replaceMissingValueWith : text;
  };
}

function lookup(fn: ExtractionFn & { type: 'lookup' }): Extraction {
  const map = textMapOf(fn.map);
  return (text) => {
    const found = map.get(text ?? '');
    if (found !== undefined && found !== null) return found;
    return fn.retainMissingValue ? text : fn.replaceMissingValueWith;
  };
}

/** Millisecond text (of `__time`) or ISO text, to a Joda pattern. */
function timeFormat(fn: ExtractionFn & { type: 'timeFormat' }): Extraction {
  const bucket = fn.granularity === null ? null : bucketer(fn.granularity);
  const format = jodaFormat(fn.format ?? "yyyy-MM-dd'T'HH:mm:ss.SSSZZ", fn.timeZone);
  const isIso = fn.format === null;
  return (text) => {
    if (text === null) return null;
    const long = longOfText(text);
    const ms = long !== null ? Number(long) : fn.asMillis ? null : instantOfText(text);
    if (ms === null) return null;
    const printed = format(bucket === null ? ms : bucket.startOf(ms));
    return isIso ? printed.replace(/\+00:00$/, 'Z') : printed;
  };
}

function bucketed(text: string | null, size: number, offset: number): string | null {
  const value = text === null ? null : doubleOfText(text);
  if (value === null) return null;
  const start = Math.floor((value - offset) / size) * size + offset;
  return Number.isSafeInteger(start) ? String(start) : doubleText(start);
}

function stringFormat(fn: ExtractionFn & { type: 'stringFormat' }): Extraction {
  return (text) => {
    if (text === null && fn.nullHandling === 'returnNull') return null;
    return formatText(fn.format, text ?? (fn.nullHandling === 'emptyString' ? '' : 'null'));
  };
}

/** `%s` with optional width and `-`, and `%%`. */
function formatText(format: string, text: string): string {
  return format.replace(
    /%(?:%|(-?)(\d*)s)/g,
    (all: string, left: string | undefined, width: string | undefined) => {
      if (all === '%%') return '%';
      const size = Math.min(Number(width ?? '0'), 1000);
      return left === '-' ? text.padEnd(size) : text.padStart(size);
    },
  );
}

/** Compiles the value filters of a dimension: true = the value stays. */
export function compileKeep(filters: readonly ValueFilter[]): (text: string | null) => boolean {
  const tests = filters.map(keepTest);
  return (text) => tests.every((test) => test(text));
}

function keepTest(filter: ValueFilter): (text: string | null) => boolean {
  switch (filter.type) {
    case 'list': {
      const values = new Set(filter.values);
      return (text) => values.has(text) === filter.isWhitelist;
    }
    case 'regex': {
      const regex = javaRegex(filter.pattern, true);
      return (text) => text !== null && regex.test(text);
    }
    case 'prefix':
      return (text) => text !== null && text.startsWith(filter.prefix);
  }
}
