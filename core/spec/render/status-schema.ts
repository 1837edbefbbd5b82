// `status` of the resource in the CRD: what the operator writes, nobody else. Offsets and lag are metrics, never
// status. Conventions: operator.md 2.2, 2.3.

const count = (description: string): object => ({
  type: 'integer',
  format: 'int32',
  minimum: 0,
  description,
});

const text = (description: string, maxLength: number): object => ({
  type: 'string',
  maxLength,
  description,
});

const group = (description: string, properties: Readonly<Record<string, object>>): object => ({
  type: 'object',
  description,
  properties,
});

const condition = {
  ...group('One condition. Meanings never change once released.', {
    type: text('Name: Ready, Progressing, Degraded, SpecValid and others.', 316),
    status: {
      type: 'string',
      enum: ['True', 'False', 'Unknown'],
      description: 'Whether it holds.',
    },
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'Generation the condition speaks of.',
    },
    lastTransitionTime: {
      type: 'string',
      format: 'date-time',
      description: 'When status changed last.',
    },
    reason: text('One CamelCase word; docs/errors.md lists them.', 1024),
    message: text('What is wrong, and what to do.', 32_768),
  }),
  required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
};

/** The schema. */
export const statusSchema: object = group('What the operator observes.', {
  observedGeneration: {
    type: 'integer',
    format: 'int64',
    minimum: 0,
    description: 'Generation that status speaks of.',
  },
  conditions: {
    type: 'array',
    maxItems: 32,
    description: 'Conditions by type.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
    items: condition,
  },
  workers: group('Worker pods.', {
    desired: count('Workers wanted.'),
    ready: count('Workers that serve.'),
    draining: count('Workers that publish what they hold and then end.'),
  }),
  partitions: group('Partitions of the source.', {
    total: count('Partitions.'),
    assigned: count('Partitions that a group owns.'),
  }),
  segments: group('Segments by phase.', {
    realtime: count('Being filled or built by a worker.'),
    published: count('Published, not served by a historical yet.'),
    available: count('Served by a historical.'),
  }),
  selector: text('Label selector of the worker pods, for scaling tools.', 1024),
  resetAt: text('The last reset request that was carried out.', 64),
  restartedAt: text('The last restart request that was carried out.', 64),
});
