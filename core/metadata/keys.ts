// The only place that knows the names of keys (protocol.md 2). Builders here, and the inverse that turns a key
// from a list or a mirror back into what it names. Parts are escaped, so that a name may hold a slash.

import { formatInstant, type Interval } from '../model/interval.ts';

/** The identity of an ingestion's state; `uid` is not Kubernetes' but that of the state (protocol.md 2). */
export interface IngestionRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Prefix of everything under ingestions. */
export const INGESTIONS = 'ingestions/';
/** Prefix of everything under data sources. */
export const DATA_SOURCES = 'datasources/';
/** Prefix of servers and what they serve. */
export const SERVERS = 'servers/';
/** Prefix of load orders. */
export const ASSIGNMENTS = 'assignments/';

/** Prefix of registered lookups. */
export const LOOKUPS = 'lookups/';
/** The one tier of lookups there is: every broker and data node loads it. Druid's name for its default. */
export const LOOKUP_TIER = '__default';

/** `R` of protocol.md 2, without a trailing slash. */
export function ingestionRoot(ref: IngestionRef): string {
  return `${INGESTIONS}${part(ref.namespace)}/${part(ref.name)}/${part(ref.uid)}`;
}

/** Prefix of every uid of a named ingestion. */
export function ingestionPrefix(namespace: string, name: string): string {
  return `${INGESTIONS}${part(namespace)}/${part(name)}/`;
}

/** `<uid>-<group>-<n>`, unique in the installation. */
export function sequenceId(ref: IngestionRef, group: string, n: number): string {
  return `${ref.uid}-${group}-${n}`;
}

/** Keys of one ingestion; those ending in `/` are prefixes. */
export interface IngestionKeys {
  readonly root: string;
  readonly all: string;
  readonly assignment: string;
  readonly partitions: string;
  partition(topic: string, partition: number): string;
  readonly groups: string;
  group(group: string): string;
  readonly owners: string;
  ownersOf(group: string): string;
  owner(group: string, replica: number): string;
  readonly sequences: string;
  sequencesOf(group: string): string;
  sequence(group: string, n: number): string;
  reports(group: string, n: number): string;
  report(group: string, n: number, replica: number): string;
  readonly schemas: string;
  schema(revision: number): string;
}

/** Builders for one ingestion. */
export function ingestionKeys(ref: IngestionRef): IngestionKeys {
  const root = ingestionRoot(ref);
  const sequence = (group: string, n: number): string =>
    `${root}/sequences/${part(group)}/${ordered(n)}`;
  return {
    root,
    all: `${root}/`,
    assignment: `${root}/assignment`,
    partitions: `${root}/partitions/`,
    partition: (topic, partition) => `${root}/partitions/${part(topic)}/${partition}`,
    groups: `${root}/groups/`,
    group: (group) => `${root}/groups/${part(group)}`,
    owners: `${root}/owners/`,
    ownersOf: (group) => `${root}/owners/${part(group)}/`,
    owner: (group, replica) => `${root}/owners/${part(group)}/${replica}`,
    sequences: `${root}/sequences/`,
    sequencesOf: (group) => `${root}/sequences/${part(group)}/`,
    sequence,
    reports: (group, n) => `${sequence(group, n)}/reports/`,
    report: (group, n, replica) => `${sequence(group, n)}/reports/${replica}`,
    schemas: `${root}/schemas/`,
    schema: (revision) => `${root}/schemas/${revision}`,
  };
}

/** Keys of one data source; those ending in `/` are prefixes. */
export interface DataSourceKeys {
  readonly all: string;
  readonly allocation: string;
  readonly chunks: string;
  chunk(interval: Interval): string;
  readonly pendings: string;
  pending(sequenceId: string): string;
  readonly publications: string;
  publication(sequenceId: string): string;
  readonly segments: string;
  segment(segmentId: string): string;
}

/** Builders for one data source. */
export function dataSourceKeys(dataSource: string): DataSourceKeys {
  const root = `${DATA_SOURCES}${part(dataSource)}`;
  return {
    all: `${root}/`,
    allocation: `${root}/allocation`,
    chunks: `${root}/chunks/`,
    chunk: ({ startMs, endMs }) =>
      `${root}/chunks/${formatInstant(startMs)}_${formatInstant(endMs)}`,
    pendings: `${root}/pending/`,
    pending: (id) => `${root}/pending/${part(id)}`,
    publications: `${root}/publications/`,
    publication: (id) => `${root}/publications/${part(id)}`,
    segments: `${root}/segments/`,
    segment: (id) => `${root}/segments/${part(id)}`,
  };
}

/** `servers/<id>`. */
export function serverKey(server: string): string {
  return `${SERVERS}${part(server)}`;
}

/** `servers/<id>/segments/<segment>`; without a segment, the prefix of all. */
export function servedKey(server: string, segmentId = ''): string {
  return `${SERVERS}${part(server)}/segments/${part(segmentId)}`;
}

/** `assignments/<server>/<segment>`; without a segment, the prefix of all. */
export function orderKey(server: string, segmentId = ''): string {
  return `${ASSIGNMENTS}${part(server)}/${part(segmentId)}`;
}

/** `lookups/<tier>/<name>`; without a name, the prefix of a tier. */
export function lookupKey(tier: string, name = ''): string {
  return `${LOOKUPS}${part(tier)}/${part(name)}`;
}

/** What a key names. */
export type ParsedKey =
  | { readonly type: 'assignment'; readonly ref: IngestionRef }
  | {
      readonly type: 'partition';
      readonly ref: IngestionRef;
      readonly topic: string;
      readonly partition: number;
    }
  | { readonly type: 'group'; readonly ref: IngestionRef; readonly group: string }
  | {
      readonly type: 'owner';
      readonly ref: IngestionRef;
      readonly group: string;
      readonly replica: number;
    }
  | {
      readonly type: 'sequence';
      readonly ref: IngestionRef;
      readonly group: string;
      readonly n: number;
    }
  | {
      readonly type: 'report';
      readonly ref: IngestionRef;
      readonly group: string;
      readonly n: number;
      readonly replica: number;
    }
  | { readonly type: 'schema'; readonly ref: IngestionRef; readonly revision: number }
  | { readonly type: 'allocation'; readonly dataSource: string }
  | { readonly type: 'chunk'; readonly dataSource: string; readonly interval: Interval }
  | {
      readonly type: 'pending' | 'publication';
      readonly dataSource: string;
      readonly sequenceId: string;
    }
  | { readonly type: 'segment'; readonly dataSource: string; readonly segmentId: string }
  | { readonly type: 'server'; readonly server: string }
  | { readonly type: 'served' | 'order'; readonly server: string; readonly segmentId: string }
  | { readonly type: 'lookup'; readonly tier: string; readonly name: string }
  | { readonly type: 'unknown' };

/** Inverse of all builders. Keys of a newer release are `unknown`, to be left alone. */
export function parseKey(key: string): ParsedKey {
  const [head = '', ...parts] = key.split('/').map(decodeURIComponent);
  switch (`${head}/`) {
    case INGESTIONS:
      return parseIngestionKey(parts);
    case DATA_SOURCES:
      return parseDataSourceKey(parts);
    case SERVERS: {
      const [server = '', kind, segmentId = ''] = parts;
      if (parts.length === 1) return { type: 'server', server };
      return kind === 'segments' && parts.length === 3
        ? { type: 'served', server, segmentId }
        : { type: 'unknown' };
    }
    case ASSIGNMENTS: {
      const [server = '', segmentId = ''] = parts;
      return parts.length === 2 ? { type: 'order', server, segmentId } : { type: 'unknown' };
    }
    case LOOKUPS: {
      const [tier = '', name = ''] = parts;
      return parts.length === 2 ? { type: 'lookup', tier, name } : { type: 'unknown' };
    }
    default:
      return { type: 'unknown' };
  }
}

function parseIngestionKey(parts: readonly string[]): ParsedKey {
  const [namespace = '', name = '', uid = '', kind = '', a = '', b = '', c = '', d = ''] = parts;
  const ref = { namespace, name, uid };
  switch (`${kind}${parts.length}`) {
    case 'assignment4':
      return { type: 'assignment', ref };
    case 'partitions6':
      return { type: 'partition', ref, topic: a, partition: Number(b) };
    case 'groups5':
      return { type: 'group', ref, group: a };
    case 'owners6':
      return { type: 'owner', ref, group: a, replica: Number(b) };
    case 'sequences6':
      return { type: 'sequence', ref, group: a, n: Number(b) };
    case 'sequences8':
      return c === 'reports'
        ? { type: 'report', ref, group: a, n: Number(b), replica: Number(d) }
        : { type: 'unknown' };
    case 'schemas5':
      return { type: 'schema', ref, revision: Number(a) };
    default:
      return { type: 'unknown' };
  }
}

function parseDataSourceKey(parts: readonly string[]): ParsedKey {
  const [dataSource = '', kind = '', id = ''] = parts;
  switch (`${kind}${parts.length}`) {
    case 'allocation2':
      return { type: 'allocation', dataSource };
    case 'chunks3': {
      const [start = '', end = ''] = id.split('_');
      return {
        type: 'chunk',
        dataSource,
        interval: { startMs: Date.parse(start), endMs: Date.parse(end) },
      };
    }
    case 'pending3':
      return { type: 'pending', dataSource, sequenceId: id };
    case 'publications3':
      return { type: 'publication', dataSource, sequenceId: id };
    case 'segments3':
      return { type: 'segment', dataSource, segmentId: id };
    default:
      return { type: 'unknown' };
  }
}

// `%` first, or a name that holds `%2F` would come back as a slash.
function part(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2F');
}

// Ten digits, so that the order of keys is the order of numbers.
function ordered(n: number): string {
  return String(n).padStart(10, '0');
}
