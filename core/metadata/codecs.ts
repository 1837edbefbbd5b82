// The JSON form of every value: one object with `v`, the version of its schema. Decoding checks the version
// and the fields a reader relies on; anything else about the value is the writer's promise.

import { Failure, messageOf } from '../runtime/failure.ts';
import type { CompiledSchema } from '../spec/compiled.ts';
import type {
  AllocationState,
  Assignment,
  ChunkState,
  GroupState,
  LoadOrder,
  LookupRecord,
  OwnerState,
  PartitionState,
  PendingIds,
  Publication,
  SegmentRecord,
  SequenceReport,
  SequenceState,
  ServedSegment,
  ServerAnnouncement,
} from './values.ts';

const VERSION = 1;

/** Text of one type of value and back. */
export interface Codec<T> {
  encode(value: T): string;
  /**
   * `key` only serves the message.
   *
   * @throws Failure `corrupt` StateVersionUnknown (written by a newer release) or StateBroken
   */
  decode(text: string, key: string): T;
}

type Kind = 'string' | 'number' | 'array' | 'object' | 'any';

/** Codecs by what they encode, named as the keys are. */
export const CODECS: {
  readonly assignment: Codec<Assignment>;
  readonly partition: Codec<PartitionState>;
  readonly group: Codec<GroupState>;
  readonly owner: Codec<OwnerState>;
  readonly sequence: Codec<SequenceState>;
  readonly report: Codec<SequenceReport>;
  readonly schema: Codec<CompiledSchema>;
  readonly allocation: Codec<AllocationState>;
  readonly chunk: Codec<ChunkState>;
  readonly pending: Codec<PendingIds>;
  readonly publication: Codec<Publication>;
  readonly segment: Codec<SegmentRecord>;
  readonly server: Codec<ServerAnnouncement>;
  readonly served: Codec<ServedSegment>;
  readonly order: Codec<LoadOrder>;
  readonly lookup: Codec<LookupRecord>;
} = {
  assignment: codec<Assignment>({ groups: 'object', planRevision: 'number' }),
  partition: codec<PartitionState>({
    topicId: 'string',
    group: 'string',
    offset: 'number',
    epoch: 'number',
    skipped: 'array',
  }),
  group: codec<GroupState>({ lastN: 'number', open: 'any' }),
  owner: codec<OwnerState>({ worker: 'string', address: 'string' }),
  sequence: codec<SequenceState>({
    id: 'string',
    group: 'string',
    n: 'number',
    schemaRevision: 'number',
    rowFormat: 'number',
    start: 'object',
    state: 'string',
  }),
  report: codec<SequenceReport>({ positions: 'object' }),
  schema: schemaCodec(),
  allocation: codec<AllocationState>({ lastVersion: 'string', owner: 'string' }),
  chunk: codec<ChunkState>({ version: 'string', nextPartition: 'number' }),
  pending: codec<PendingIds>({ ingestion: 'string', entries: 'array' }),
  publication: codec<Publication>({
    sequenceId: 'string',
    ingestion: 'string',
    segments: 'any',
    offsets: 'object',
  }),
  segment: codec<SegmentRecord>({ segment: 'object', state: 'string', sequenceId: 'string' }),
  server: codec<ServerAnnouncement>({ id: 'string', address: 'string', role: 'string' }),
  served: codec<ServedSegment>({ id: 'string', dataSource: 'string', path: 'any' }),
  order: codec<LoadOrder>({ action: 'string', segment: 'object' }),
  lookup: codec<LookupRecord>({ version: 'any', map: 'object', rest: 'object' }),
};

function codec<T extends object>(fields: Partial<Record<keyof T & string, Kind>>): Codec<T> {
  return {
    encode: (value) => JSON.stringify({ v: VERSION, ...value }, refuseInexact),
    decode(text, key) {
      const { v: _version, ...value } = parse(text, key);
      for (const [name, kind] of Object.entries<Kind | undefined>(fields)) {
        if (kind !== undefined && !isKind(value[name], kind))
          throw broken(key, `field '${name}' is not ${kind}`);
      }
      // Fields checked above; the writer is this codec at the same version.
      return value as T;
    },
  };
}

// Open sides of the lateness window are Infinity, which JSON has no word for: null stands for it.
function schemaCodec(): Codec<CompiledSchema> {
  const plain = codec<CompiledSchema>({
    timestamp: 'object',
    dimensions: 'array',
    metrics: 'array',
    lateness: 'object',
  });
  const infinite = (ms: number | null): number => ms ?? Infinity;
  return {
    encode: (schema) => JSON.stringify({ v: VERSION, ...schema }),
    decode(text, key) {
      const schema = plain.decode(text, key);
      const { policy, lateMs, earlyMs } = schema.lateness;
      return {
        ...schema,
        lateness: { policy, lateMs: infinite(lateMs), earlyMs: infinite(earlyMs) },
      };
    },
  };
}

// A number that JSON would round or turn into null must never get into the store.
function refuseInexact(name: string, value: unknown): unknown {
  const isInexact =
    typeof value === 'number' &&
    (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)));
  if (isInexact)
    throw new Failure(
      'bug',
      'AssertionFailed',
      `field '${name}': ${String(value)} cannot be stored exactly`,
    );
  return value;
}

function parse(text: string, key: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(key, messageOf(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw broken(key, 'not a JSON object');
  const fields: Record<string, unknown> = { ...value };
  if (fields['v'] !== VERSION) {
    const found = JSON.stringify(fields['v']);
    throw new Failure(
      'corrupt',
      'StateVersionUnknown',
      `${key}: schema version ${found}, this release reads ${VERSION}; upgrade it`,
    );
  }
  return fields;
}

function broken(key: string, why: string): Failure {
  return new Failure('corrupt', 'StateBroken', `${key}: ${why}`);
}

function isKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'any':
      return value !== undefined;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === kind;
  }
}
