// A merged group result as a table of output columns: dimensions, aggregators, post-aggregators, by name and
// slot. Fed by merge; read by the finishers. Source: druid-query-api.md 6, 11.

import { makeState } from '../aggregate/make-state.ts';
import { PickState } from '../aggregate/pick-state.ts';
import type { LookupTables } from '../expression/function.ts';
import {
  type Aggregator,
  type AggregatingQuery,
  dimensionsOf,
  type PostAggregator,
} from '../model.ts';
import type { GroupsPartial } from '../partial.ts';
import { convert, type OutputType, type Value } from '../value.ts';
import { valueJson } from './json.ts';
import { compilePost, type OutputColumns, type PostFunction } from './post-aggregate.ts';
import { thetaBoundsJson } from './sketch-post.ts';

/** Slot of the group no row fell into: every aggregator's value over nothing. */
export const EMPTY_SLOT = -1;

/** One output column. */
interface OutputColumn {
  readonly name: string;
  /** `"name":`, ready for an object. */
  readonly key: string;
  readonly kind: 'dimension' | 'aggregator' | 'post';
  /** What the values are, as far as the query says; null = look at them. */
  readonly type: OutputType | null;
  /** Value for ordering, having and outer queries: finalised. */
  value(slot: number): Value;
  /** JSON as the answer shows it. */
  json(slot: number): string;
}

/** Names and values of a group result. */
export class ResultTable implements OutputColumns {
  readonly query: AggregatingQuery;
  readonly groups: GroupsPartial;
  readonly columns: readonly OutputColumn[];
  private readonly byName: ReadonlyMap<string, OutputColumn>;
  private readonly stateIndex: ReadonlyMap<string, number>;
  private readonly posts: ReadonlyMap<string, PostFunction>;

  constructor(query: AggregatingQuery, groups: GroupsPartial) {
    this.query = query;
    this.groups = groups;
    this.stateIndex = new Map(query.aggregations.map((aggregator, i) => [aggregator.name, i]));
    this.posts = new Map(
      query.postAggregations.map((post) => [post.name, compilePost(post, this)]),
    );
    this.columns = [...this.dimensionColumns(), ...this.aggregatorColumns(), ...this.postColumns()];
    this.byName = new Map(this.columns.map((column) => [column.name, column]));
  }

  column(name: string): OutputColumn | undefined {
    return this.byName.get(name);
  }

  value(name: string, slot: number): Value {
    return this.byName.get(name)?.value(slot) ?? null;
  }

  get lookups(): LookupTables {
    return this.query.lookups;
  }

  raw(name: string, slot: number): Value {
    const index = this.stateIndex.get(name);
    if (index === undefined) return this.value(name, slot);
    return this.stateOf(index, slot).raw(Math.max(slot, 0));
  }

  isRounded(name: string): boolean {
    const aggregator = this.query.aggregations[this.stateIndex.get(name) ?? -1];
    return aggregator !== undefined && 'round' in aggregator && aggregator.round;
  }

  private stateOf(index: number, slot: number): GroupsPartial['states'][number] {
    const state = slot === EMPTY_SLOT ? this.emptyStates[index] : this.groups.states[index];
    if (state === undefined) throw new TypeError('one state per aggregator');
    return state;
  }

  private get emptyStates(): GroupsPartial['states'] {
    return (this.madeEmpty ??= this.query.aggregations.map((aggregator) => {
      const state = makeState(aggregator);
      state.reserve(1);
      return state;
    }));
  }

  private madeEmpty: GroupsPartial['states'] | undefined;

  private dimensionColumns(): OutputColumn[] {
    return dimensionsOf(this.query).map((dimension, k) => {
      const keys = this.groups.keys[k] ?? [];
      const isFloat = dimension.outputType === 'FLOAT';
      const value = (slot: number): Value => keys[slot] ?? null;
      return this.made(
        dimension.outputName,
        'dimension',
        dimension.isArray ? null : dimension.outputType,
        value,
        (slot) => valueJson(value(slot), isFloat),
      );
    });
  }

  private aggregatorColumns(): OutputColumn[] {
    const { finalize } = this.query.context;
    return this.query.aggregations.map((aggregator, i) => {
      const type = aggregatorType(aggregator);
      const value = (slot: number): Value => this.stateOf(i, slot).value(Math.max(slot, 0));
      return this.made(aggregator.name, 'aggregator', type, value, (slot) =>
        finalize ? this.finalJson(i, slot) : this.rawJson(i, slot),
      );
    });
  }

  /** What an aggregator shows finalised: its value, a theta sketch between its bounds if the query asks for them. */
  private finalJson(index: number, slot: number): string {
    const state = this.stateOf(index, slot);
    const cell = Math.max(slot, 0);
    const aggregator = this.query.aggregations[index];
    const deviations = aggregator === undefined ? null : boundsOf(aggregator);
    if (aggregator !== undefined && deviations !== null)
      return thetaBoundsJson(aggregator.name, state.raw(cell), deviations);
    const isFloat = aggregator !== undefined && aggregatorType(aggregator) === 'FLOAT';
    return valueJson(state.value(cell), isFloat);
  }

  /** What an aggregator shows unfinalised: sketches as bytes, first and last with their time. */
  private rawJson(index: number, slot: number): string {
    const state = this.stateOf(index, slot);
    const cell = Math.max(slot, 0);
    const aggregator = this.query.aggregations[index];
    const isFloat = aggregator !== undefined && aggregatorType(aggregator) === 'FLOAT';
    const json = valueJson(state.raw(cell), isFloat);
    return state instanceof PickState && state.operation !== 'any'
      ? `{"lhs":${state.timeOf(cell)},"rhs":${json}}`
      : json;
  }

  private postColumns(): OutputColumn[] {
    return this.query.postAggregations.map((post) => {
      const compute = this.posts.get(post.name) ?? (() => null);
      const accessed =
        post.type === 'fieldAccess' || post.type === 'finalizingFieldAccess'
          ? this.query.aggregations.find((a) => a.name === post.fieldName)
          : undefined;
      const isFloat = accessed !== undefined && aggregatorType(accessed) === 'FLOAT';
      const json = this.postJson(post) ?? ((slot: number) => valueJson(compute(slot), isFloat));
      return this.made(post.name, 'post', isFloat ? 'FLOAT' : null, compute, json);
    });
  }

  /** What a post-aggregator shows where that is not its value. */
  private postJson(post: PostAggregator): ((slot: number) => string) | undefined {
    if (post.type === 'fieldAccess' || post.type === 'finalizingFieldAccess') {
      const index = this.stateIndex.get(post.fieldName);
      if (index === undefined) return undefined;
      return (slot) =>
        post.type === 'fieldAccess' ? this.rawJson(index, slot) : this.finalJson(index, slot);
    }
    if (post.type !== 'thetaSketchEstimate') return undefined;
    const [field] = post.fields;
    const deviations = post.errorBoundsStdDev;
    if (field === undefined || deviations === null) return undefined;
    const input = compilePost(field, this);
    return (slot) => thetaBoundsJson(post.name, input(slot), deviations);
  }

  private made(
    name: string,
    kind: OutputColumn['kind'],
    type: OutputType | null,
    value: OutputColumn['value'],
    json: OutputColumn['json'],
  ): OutputColumn {
    return { name, key: `${JSON.stringify(name)}:`, kind, type, value, json };
  }

  /** `{"a":1,...}` of the columns, in query order. */
  objectJson(slot: number, columns: readonly OutputColumn[] = this.columns, extra = ''): string {
    const fields = columns.map((column) => column.key + column.json(slot));
    if (extra !== '') fields.push(extra);
    return `{${fields.join(',')}}`;
  }

  /** The values of a column for all groups, as type `type` where one is known. */
  values(column: OutputColumn): Value[] {
    const { type } = column;
    return Array.from({ length: this.groups.size }, (_, slot) =>
      type === null ? column.value(slot) : convert(column.value(slot), type),
    );
  }
}

/** Standard deviations of the bounds an aggregator shows finalised; null = none. */
function boundsOf(aggregator: Aggregator): number | null {
  if (aggregator.type === 'filtered') return boundsOf(aggregator.aggregator);
  return aggregator.type === 'sketch' && aggregator.shouldFinalize
    ? aggregator.errorBoundsStdDev
    : null;
}

/** Type of an aggregator's finalised value. */
function aggregatorType(aggregator: Aggregator): OutputType {
  switch (aggregator.type) {
    case 'count':
    case 'grouping':
      return 'LONG';
    case 'numeric':
    case 'pick':
      return aggregator.valueType;
    case 'cardinality':
    case 'hyperUnique':
      return aggregator.round ? 'LONG' : 'DOUBLE';
    case 'sketch':
      if (!aggregator.shouldFinalize) return 'STRING';
      return aggregator.round || aggregator.sketch.type.startsWith('quantiles') ? 'LONG' : 'DOUBLE';
    case 'mean':
      return 'DOUBLE';
    case 'filtered':
      return aggregatorType(aggregator.aggregator);
  }
}
