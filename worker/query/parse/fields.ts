// Tolerant reading of query JSON: scalars are coerced, unknown keys ignored, null means absent. Fed by the
// query body; used by every file of this folder. Source: druid-query-api.md 3.1.

import { Failure } from '../../../core/runtime/failure.ts';

/** A 400 with the words of the caller. Code `QueryInvalid`. */
export function invalid(message: string): Failure {
  return new Failure('input', 'QueryInvalid', message);
}

/** A feature that is known but not offered. Code `QueryInvalid`, message naming the feature. */
export function refused(feature: string, advice = ''): Failure {
  return invalid(`${feature} is not supported${advice === '' ? '' : `: ${advice}`}`);
}

/** An id that no type has, in Druid's words, which people search for, and the field that holds it. */
export function unknownType(id: string, base: string, field: string): Failure {
  return invalid(
    `Could not resolve type id '${id}' as a subtype of \`${base}\`: field ${field}: known type ids are in the documentation`,
  );
}

/** Text of a scalar, numbers and booleans included; null when it is none. */
export function scalarText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  return null;
}

/** One JSON object of a query and where it stands, for messages. */
export class Fields {
  readonly path: string;
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(object: Readonly<Record<string, unknown>>, path: string) {
    this.values = object;
    this.path = path;
  }

  /** The raw value, null when absent. */
  raw(key: string): unknown {
    return Object.hasOwn(this.values, key) ? (this.values[key] ?? null) : null;
  }

  has(key: string): boolean {
    return this.raw(key) !== null;
  }

  keys(): string[] {
    return Object.keys(this.values);
  }

  /** Name of a field in messages. */
  at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  optionalText(key: string): string | null {
    const value = this.raw(key);
    if (value === null) return null;
    const text = scalarText(value);
    if (text === null) throw invalid(`${this.at(key)}: expected text, got ${kindOf(value)}`);
    return text;
  }

  text(key: string): string {
    const text = this.optionalText(key);
    if (text === null) throw invalid(`${this.at(key)}: missing; give a text`);
    return text;
  }

  /** A finite number, `fallback` when absent. */
  number(key: string, fallback: number): number {
    const value = this.optionalNumber(key);
    return value ?? fallback;
  }

  optionalNumber(key: string): number | null {
    const text = this.optionalText(key);
    if (text === null) return null;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value))
      throw invalid(`${this.at(key)}: '${text}' is not a number`);
    return value;
  }

  /** A whole number of at least `least`, null when absent. */
  optionalInteger(key: string, least: number): number | null {
    const value = this.optionalNumber(key);
    if (value === null) return null;
    if (!Number.isSafeInteger(value) || value < least) {
      throw invalid(`${this.at(key)}: ${value} must be a whole number of at least ${least}`);
    }
    return value;
  }

  integer(key: string, least: number, fallback: number): number {
    return this.optionalInteger(key, least) ?? fallback;
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.raw(key);
    if (value === null) return fallback;
    const text = scalarText(value)?.toLowerCase();
    if (text === 'true') return true;
    if (text === 'false') return false;
    throw invalid(`${this.at(key)}: expected true or false, got ${kindOf(value)}`);
  }

  /** Absent = empty. */
  list(key: string): readonly unknown[] {
    const value = this.raw(key);
    if (value === null) return [];
    if (!Array.isArray(value))
      throw invalid(`${this.at(key)}: expected an array, got ${kindOf(value)}`);
    return value;
  }

  texts(key: string): string[] {
    return this.nullableTexts(key).map((text) => {
      if (text === null) throw invalid(`${this.at(key)}: null is not allowed here`);
      return text;
    });
  }

  nullableTexts(key: string): (string | null)[] {
    return this.list(key).map((value, i) => {
      if (value === null) return null;
      const text = scalarText(value);
      if (text === null)
        throw invalid(`${this.at(key)}[${i}]: expected text, got ${kindOf(value)}`);
      return text;
    });
  }

  /** The whole object as a map of texts, null allowed. */
  textMap(): Readonly<Record<string, string | null>> {
    const isText = (value: unknown): value is string | null =>
      value === null || typeof value === 'string';
    const values: Readonly<Record<string, unknown>> = this.values;
    if (isRecordOf(values, isText)) return values;
    return Object.fromEntries(this.keys().map((key) => [key, this.optionalText(key)]));
  }

  object(key: string): Fields {
    return fieldsOf(this.raw(key), this.at(key));
  }

  /** One of a closed set, any case. */
  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    const text = this.optionalText(key);
    if (text === null) return fallback;
    const found = choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
    if (found === undefined)
      throw invalid(`${this.at(key)}: '${text}' is none of ${choices.join(', ')}`);
    return found;
  }

  /** The `type` word, case-sensitive. */
  type(base: string): string {
    const type = this.optionalText('type');
    if (type === null)
      throw invalid(`${this.at('type')}: missing type id property 'type' of \`${base}\``);
    return type;
  }
}

/** Wraps an object. @throws Failure `input` QueryInvalid when it is none */
export function fieldsOf(value: unknown, path: string): Fields {
  if (!isRecord(value))
    throw invalid(`${path === '' ? 'query' : path}: expected an object, got ${kindOf(value)}`);
  return new Fields(value, path);
}

function isRecordOf<T>(
  values: Readonly<Record<string, unknown>>,
  isOne: (value: unknown) => value is T,
): values is Readonly<Record<string, T>> {
  for (const key in values) if (!isOne(values[key])) return false;
  return true;
}

/** True for a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return Array.isArray(value)
    ? 'an array'
    : typeof value === 'object'
      ? 'an object'
      : `'${scalarText(value)}'`;
}
