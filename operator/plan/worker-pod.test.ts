import { expect, test } from 'vitest';
import type { RealtimeIngestionSpec } from '../../core/spec/realtime-ingestion.ts';
import { field, type KubeObject } from '../kube/object.ts';
import { contentHash, stableText } from './content-hash.ts';
import { wantedChildren } from './wanted-children.ts';

const OWNER = {
  apiVersion: 'sluice.dev/v1alpha1',
  kind: 'RealtimeIngestion',
  namespace: 'n',
  name: 'wiki',
  uid: 'u-1',
};
const SPEC: RealtimeIngestionSpec = {
  dataSource: 'wikipedia',
  source: {
    kafka: {
      bootstrapServers: ['k:9092'],
      topic: 'wikipedia',
      sasl: {
        mechanism: 'plain',
        usernameSecret: { name: 'kafka', key: 'user' },
        passwordSecret: { name: 'kafka', key: 'password' },
      },
    },
  },
  schema: { format: { type: 'json' }, metrics: [{ type: 'count', name: 'count' }] },
};

function podOf(spec: RealtimeIngestionSpec, restart?: string): KubeObject {
  const [pod] = wantedChildren({
    owner: OWNER,
    spec,
    generation: 1,
    groups: ['g0'],
    held: [],
    image: 'sluice:1',
    connections: 'wiki-connections',
    restart,
  }).pods;
  if (pod === undefined) throw new Error('no pod');
  return pod.build();
}
const hashOf = (pod: KubeObject): string =>
  pod.metadata.annotations?.['sluice.dev/template-hash'] ?? '';

test('B4: the hash of a pod is that of its content, and the same in every release', () => {
  // A new value here rolls every worker of every installation: change it knowingly.
  expect(hashOf(podOf(SPEC))).toBe('e1fed494e8');
  const shuffled = JSON.parse(
    JSON.stringify(Object.fromEntries(Object.entries(SPEC).toReversed())),
  ) as RealtimeIngestionSpec;
  for (let i = 0; i < 1000; i++) expect(hashOf(podOf(shuffled))).toBe(hashOf(podOf(SPEC)));
});

test('what a running worker does not see rolls none; what it sees does', () => {
  const same: RealtimeIngestionSpec[] = [
    { ...SPEC, workers: { count: 7 } },
    { ...SPEC, retention: { load: [{ period: 'P1D' }] } },
    { ...SPEC, deletionPolicy: 'Purge' },
    { ...SPEC, suspend: false },
  ];
  for (const spec of same) expect(hashOf(podOf(spec))).toBe(hashOf(podOf(SPEC)));
  const other: RealtimeIngestionSpec[] = [
    { ...SPEC, segments: { period: 'PT5M' } },
    { ...SPEC, workers: { resources: { limits: { memory: '4Gi' } } } },
    { ...SPEC, workers: { storage: { size: '1Gi' } } },
    { ...SPEC, workers: { template: { spec: { priorityClassName: 'high' } } } },
  ];
  for (const spec of other) expect(hashOf(podOf(spec))).not.toBe(hashOf(podOf(SPEC)));
  expect(hashOf(podOf(SPEC, 'again'))).not.toBe(hashOf(podOf(SPEC)));
});

test('credentials are files, never in the environment', () => {
  const pod = podOf(SPEC);
  const container = field(pod, 'spec', 'containers', 0);
  expect(JSON.stringify(field(container, 'env'))).not.toMatch(/secretKeyRef|password/i);
  expect(field(container, 'volumeMounts')).toContainEqual({
    name: 'secret-0',
    mountPath: '/etc/sluice/secrets/kafka',
    readOnly: true,
  });
  expect(field(pod, 'spec', 'volumes')).toContainEqual({
    name: 'connections',
    secret: { secretName: 'wiki-connections' },
  });
});

test('the template of the user is merged in; labels that select pods cannot be taken away', () => {
  const pod = podOf({
    ...SPEC,
    workers: {
      template: {
        metadata: {
          labels: { team: 'x', 'sluice.dev/ingestion': 'other' },
          annotations: { a: 'b' },
        },
        spec: {
          nodeSelector: { disk: 'ssd' },
          containers: [
            { name: 'ingest', env: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=900' }] },
            { name: 'sidecar', image: 'side:1' },
          ],
          volumes: [{ name: 'data', emptyDir: { sizeLimit: '5Gi' } }],
        },
      },
    },
  });
  expect(pod.metadata.labels).toMatchObject({ team: 'x', 'sluice.dev/ingestion': 'wiki' });
  expect(pod.metadata.annotations?.['a']).toBe('b');
  const names = (list: unknown): unknown[] => (list as { name: string }[]).map(({ name }) => name);
  expect(names(field(pod, 'spec', 'containers'))).toEqual(['ingest', 'sidecar']);
  expect(names(field(pod, 'spec', 'containers', 0, 'env'))).toEqual([
    'POD_IP',
    'SLUICE_SECRETS',
    'SLUICE_CONNECTIONS',
    'NODE_OPTIONS',
  ]);
  expect(field(pod, 'spec', 'nodeSelector')).toEqual({ disk: 'ssd' });
  expect(field(pod, 'spec', 'volumes')).toContainEqual({
    name: 'data',
    emptyDir: { sizeLimit: '5Gi' },
  });
});

test('names of children fit a label, and stay different', () => {
  const children = (name: string): string =>
    wantedChildren({
      owner: { ...OWNER, name },
      spec: SPEC,
      generation: 1,
      groups: ['g0'],
      held: [],
      image: 'i',
      connections: undefined,
      restart: undefined,
    }).pods[0]?.name ?? '';
  const long = 'a'.repeat(80);
  expect(children(`${long}x`).length).toBeLessThanOrEqual(63);
  expect(children(`${long}x`)).not.toBe(children(`${long}y`));
  expect(children('a.b')).toMatch(/^a-b-[0-9a-f]{8}-g0-0$/);
});

test('text and hash do not depend on the order of keys', () => {
  expect(stableText({ b: 1, a: [{ d: null, c: undefined }] })).toBe('{"a":[{"d":null}],"b":1}');
  expect(contentHash({ a: 1, b: 2 })).toBe(contentHash({ b: 2, a: 1 }));
  expect(contentHash({ a: [1, 2] })).not.toBe(contentHash({ a: [2, 1] }));
});
