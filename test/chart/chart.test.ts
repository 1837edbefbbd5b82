// The chart as Helm renders it: lint, every values example, PodSecurity "restricted" on every pod, verbs, secrets, and
// messages for wrong values. What needs a cluster is not here.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { helm } from './helm.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CHART = join(ROOT, 'charts/sluice');
const EXAMPLES = readdirSync(join(CHART, 'examples')).map((name) => join(CHART, 'examples', name));

type Tree = { readonly [key: string]: Tree } & readonly Tree[];

interface Manifest {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly [key: string]: unknown;
}

async function render(...args: readonly string[]): Promise<readonly Manifest[]> {
  const { code, text } = await helm('template', 'r', CHART, '-n', 'ns', ...args);
  expect(code, text).toBe(0);
  return parseAllDocuments(text)
    .map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}

/** Pod specs in a manifest, wherever they are. */
function podSpecs(manifest: Manifest): readonly Tree[] {
  const spec = manifest['spec'] as Tree | undefined;
  if (manifest.kind === 'Pod') return spec === undefined ? [] : [spec];
  const template = spec?.['template']?.['spec'];
  return template === undefined ? [] : [template];
}

/** Made only while `helm test` runs. */
function isHook({ metadata }: Manifest): boolean {
  return metadata.annotations?.['helm.sh/hook'] === 'test';
}

describe.each(EXAMPLES)('chart with %s', (values) => {
  it('lints and gives every pod PodSecurity restricted, probes and limits', async () => {
    const lint = await helm('lint', '--strict', CHART, '-f', values);
    expect(lint.code, lint.text).toBe(0);
    let containers = 0;
    for (const manifest of await render('-f', values)) {
      for (const spec of podSpecs(manifest)) {
        const where = `${manifest.kind}/${manifest.metadata.name}`;
        expect(spec['securityContext'], where).toMatchObject({
          runAsNonRoot: true,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect(spec['hostNetwork'] ?? spec['hostPID'], where).toBeUndefined();
        for (const container of spec['containers'] ?? []) {
          expect(container['securityContext'], where).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            capabilities: { drop: ['ALL'] },
          });
          expect(container['resources']?.['limits'], where).toHaveProperty('memory');
          if (manifest.kind !== 'Pod') expect(container['readinessProbe'], where).toBeDefined();
          containers++;
        }
      }
    }
    expect(containers).toBeGreaterThanOrEqual(3);
  });

  it('mounts connections as files: no credential in an environment variable or an argument', async () => {
    let seen = 0;
    for (const manifest of await render('-f', values)) {
      for (const spec of podSpecs(manifest)) {
        for (const container of spec['containers'] ?? []) {
          if (container['name'] !== undefined && /etcd|minio|redis/.test(String(container['name'])))
            continue;
          const names = (container['env'] ?? []).map((variable) => String(variable['name']));
          expect(names.filter((name) => /PASSWORD|SECRET_KEY|ACCESS_KEY|TOKEN/.test(name))).toEqual(
            [],
          );
          if (names.includes('SLUICE_CONNECTIONS')) seen++;
        }
      }
    }
    expect(seen).toBeGreaterThanOrEqual(3);
  });
});

describe('chart', () => {
  const external = ['-f', join(CHART, 'examples/external.yaml')];

  it('bounds the heap of the operator well below its memory limit', async () => {
    const operator = (await render(...external)).find(
      (m) => m.kind === 'Deployment' && m.metadata.name === 'r-operator',
    );
    const [container] = operator === undefined ? [] : (podSpecs(operator)[0]?.['containers'] ?? []);
    const options = container?.['env']?.find((v) => String(v['name']) === 'NODE_OPTIONS');
    const heap = Number(/--max-old-space-size=(\d+)/.exec(String(options?.['value']))?.[1]);
    const limit = /^(\d+)Mi$/.exec(String(container?.['resources']?.['limits']?.['memory']))?.[1];
    expect(heap).toBeGreaterThan(100);
    expect(heap).toBeLessThan(Number(limit) / 2);
  });

  it('carries the generated CRD, kept when the release is deleted', async () => {
    const crd = (await render(...external)).find((m) => m.kind === 'CustomResourceDefinition');
    const generated = parse(
      readFileSync(join(ROOT, 'crds/sluice.dev_realtimeingestions.yaml'), 'utf8'),
    ) as Manifest;
    expect(crd?.['spec']).toEqual(generated['spec']);
    expect(crd?.metadata.annotations).toMatchObject({ 'helm.sh/resource-policy': 'keep' });
    const without = await render(...external, '--set', 'crds.install=false');
    expect(without.some((m) => m.kind === 'CustomResourceDefinition')).toBe(false);
  });

  it('needs no ClusterRole where one namespace is served', async () => {
    const rendered = await render('-f', join(CHART, 'examples/one-namespace.yaml'));
    expect(rendered.filter((m) => m.kind.startsWith('ClusterRole'))).toEqual([]);
    const roles = rendered.filter((m) => m.kind === 'Role' && !isHook(m));
    expect(roles.map((m) => m.metadata.name)).toEqual(['r-operator', 'r-operator-lease']);
  });

  it('grants no wildcard', async () => {
    const roles = (await render(...external)).filter(
      (m) => m.kind === 'Role' || m.kind === 'ClusterRole',
    );
    const rules = roles.flatMap(
      (role) => role['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[],
    );
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules)
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs]).not.toContain('*');
  });

  it('holds budget, spread, autoscaling, policies and monitoring where asked', async () => {
    const kinds = Map.groupBy(await render(...external), (m) => m.kind);
    expect(kinds.get('PodDisruptionBudget')).toHaveLength(4);
    expect(kinds.get('HorizontalPodAutoscaler')).toHaveLength(1);
    expect(kinds.get('NetworkPolicy')).toHaveLength(2);
    expect(kinds.get('StatefulSet')).toHaveLength(2);
    for (const kind of ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'])
      expect(kinds.get(kind)).toHaveLength(1);
    const dashboards =
      kinds.get('ConfigMap')?.map((m) => m['data'] as Record<string, string>) ?? [];
    expect(
      dashboards.map((data) => JSON.parse(data['sluice.json'] ?? '{}') as unknown),
    ).toMatchObject([{ title: 'Sluice' }]);
  });

  it('lets Prometheus through its policies where values name it', async () => {
    const policies = (await render(...external)).filter((m) => m.kind === 'NetworkPolicy');
    const internal = policies.find((m) => m.metadata.name === 'r-internal')?.['spec'] as Tree;
    const namespace = { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } };
    expect(internal['ingress']?.[1]).toEqual({
      ports: [{ port: 'http' }],
      from: [{ namespaceSelector: namespace }],
    });
  });

  it('tests by a run of its own, with an account that exists only while it runs', async () => {
    const sasl =
      '{"mechanism":"plain","usernameSecret":{"name":"k","key":"u"},"passwordSecret":{"name":"k","key":"p"}}';
    const rendered = await render(
      '-f',
      join(CHART, 'examples/one-namespace.yaml'),
      '--set',
      'tests.kafka.bootstrapServers={kafka:9092}',
      '--set-json',
      `tests.kafka.sasl=${sasl}`,
    );
    const hooks = rendered.filter(isHook);
    expect(hooks.map((m) => m.kind)).toEqual(['ServiceAccount', 'Role', 'RoleBinding', 'Pod']);
    for (const { kind, metadata } of hooks) {
      expect(metadata, kind).toMatchObject({
        name: 'r-test',
        namespace: 'analytics',
        annotations: { 'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded' },
      });
    }
    expect(hooks.find((m) => m.kind === 'Role')?.['rules']).toEqual([
      {
        apiGroups: ['sluice.dev'],
        resources: ['realtimeingestions'],
        verbs: ['create', 'get', 'delete'],
      },
    ]);
    const [pod] = hooks.flatMap(podSpecs);
    expect(pod?.['volumes']).toMatchObject([{ secret: { secretName: 'k' } }]);
    expect(pod?.['containers']?.[0]?.['args']).toEqual([
      'trial',
      '--url=http://r-broker.ns:8082',
      '--namespace=analytics',
      '--timeout=180',
      expect.stringMatching(/^--kafka=/),
    ]);
    const kafka = String(pod?.['containers']?.[0]?.['args']?.[4]).slice('--kafka='.length);
    expect(JSON.parse(kafka)).toEqual({
      bootstrapServers: ['kafka:9092'],
      sasl: JSON.parse(sasl) as unknown,
    });
  });

  it.each([
    [['--set', 'historicals[0].name=A_B'], /historicals\/0.*does not match pattern/s],
    [['--set', 'operator.replicas=0'], /minimum: got 0, want 1/],
    [['--set', 'brokers.replicas=2'], /additional properties 'brokers' not allowed/],
    [['--set', 'connections.s3.endpoint=minio'], /connections\/s3\/endpoint.*does not match/s],
    [['--set', 'connections.redis.url=redis'], /connections\/redis\/url.*does not match/s],
    [['--set', 'connections.etcd.endpoints[0]=etcd'], /etcd\/endpoints\/0.*does not match/s],
    [['--set', 'connections.etcd.endpoint=x'], /additional properties 'endpoint' not allowed/],
    [['--set', 'image.pullPolicy=Sometimes'], /image\/pullPolicy/],
    [['--set', 'image.repository='], /image\/repository/],
    [['--set', 'operator.replicas=two'], /operator\/replicas.*got string, want integer/s],
    [['--set', 'operator.rollsAtOnce=-1'], /operator\/rollsAtOnce.*minimum/s],
    [['--set', 'tests.kafka.bootstrapServers={kafka}'], /bootstrapServers\/0.*does not match/s],
    [['--set', 'tests.kafka.topic=x'], /tests\/kafka.*additional properties 'topic' not allowed/s],
    [['--set', 'tests.timeoutSeconds=0'], /timeoutSeconds.*minimum/s],
    [['--set', 'watchNamespace=x'], /additional properties 'watchNamespace' not allowed/],
    [[], /connections\.etcd\.endpoints: give at least one URL/],
  ])('refuses wrong values with a message (%j)', async (args, message) => {
    const { code, text } = await helm('template', 'r', CHART, ...args);
    expect(code).not.toBe(0);
    expect(text).toMatch(message);
  });

  it('has the version of package, chart and image in step', () => {
    const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as {
      version: string;
      appVersion: string;
    };
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
  });

  it('names in rules and dashboard only metrics that exist', () => {
    const known = readFileSync(join(ROOT, 'docs/reference/metrics.md'), 'utf8');
    const used = ['rules.yaml', 'dashboard.json'].flatMap((name) =>
      [...readFileSync(join(CHART, 'files', name), 'utf8').matchAll(/sluice_[a-z_]+/g)].map((m) =>
        m[0].replace(/_bucket$/, ''),
      ),
    );
    expect(used.length).toBeGreaterThan(8);
    expect(used.filter((name) => !known.includes(name))).toEqual([]);
  });
});
