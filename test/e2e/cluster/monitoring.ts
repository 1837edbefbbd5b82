// The real Prometheus over the chart's monitors: the Prometheus operator, a plain process here, turns the ServiceMonitor,
// PodMonitor and PrometheusRule in the cluster into a scrape configuration and rule files; Prometheus runs with them.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { installGoTools } from '../../kube/go-tools.ts';
import { type Child, endChild, spawnChild } from '../../servers/child.ts';
import { freePorts } from '../../servers/ports.ts';
import { until } from '../waiting.ts';
import type { RealNode } from './real-node.ts';

const NAMESPACE = 'monitoring';
const NAME = 'test';

/** One target as Prometheus reports it. */
export interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

/** The running Prometheus. */
export interface Monitoring {
  /** Rule files made from the chart's PrometheusRule. */
  readonly ruleFiles: readonly string[];
  targets(): Promise<readonly Target[]>;
  /** Groups of rules with the health of each. */
  rules(): Promise<readonly { readonly name: string; readonly health: string }[]>;
  /** Value of an instant query's first sample; undefined without one. */
  value(query: string): Promise<number | undefined>;
  /** Last lines that Prometheus and what feeds it wrote. */
  tail(): string;
  stop(): Promise<void>;
}

/** Installs the CRDs that the chart's monitors need. */
export async function installMonitorCrds(node: RealNode): Promise<void> {
  const { prometheusCrds } = await installGoTools();
  await node.kubectl('apply', '--server-side', '-f', prometheusCrds);
}

/** Starts both over what the cluster holds. @throws Error when no configuration comes */
export async function startMonitoring(node: RealNode): Promise<Monitoring> {
  const tools = await installGoTools();
  const children: Child[] = [];
  const start = async (name: string, file: string, args: readonly string[]): Promise<void> => {
    children.push(await spawnChild({ file, args, logFile: join(node.folder, `${name}.log`) }));
  };
  const [proxyPort = 0, operatorPort = 0, port = 0] = await freePorts(node.host, 3);
  const api = `http://${node.host}:${proxyPort}`;
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await endChild(child, 'SIGKILL');
  };
  const tail = (): string => children.map((child) => child.tail()).join('\n');
  try {
    // Takes the place of a mounted token: neither program runs in a pod.
    const proxy = ['--kubeconfig', node.kubeconfig, 'proxy', '--address', node.host];
    const accept = ['--port', String(proxyPort), '--accept-hosts', '.*'];
    await start('kubectl-proxy', node.kubectlPath, [...proxy, ...accept]);
    await node.kubectl('create', 'namespace', NAMESPACE);
    const resource = await node.file('prometheus-resource.yaml', stringify(prometheus(api)));
    await node.kubectl('apply', '-f', resource);
    await start('prometheus-operator', tools.prometheusOperator, [
      `--apiserver=${api}`,
      `--web.listen-address=${node.host}:${operatorPort}`,
    ]);
    const ruleFiles = await writeConfiguration(node);
    await start('prometheus', tools.prometheus, [
      `--config.file=${join(node.folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(node.folder, 'prometheus-data')}`,
      `--web.listen-address=${node.host}:${port}`,
    ]);
    return { ...askedAt(`http://${node.host}:${port}/api/v1`), ruleFiles, tail, stop };
  } catch (error) {
    const lines = tail();
    await stop();
    throw new Error(lines, { cause: error });
  }
}

/** As a platform's Prometheus selects monitors: all of them. */
function prometheus(api: string): object {
  const everything = Object.fromEntries(
    ['serviceMonitor', 'podMonitor', 'rule'].flatMap((kind) => [
      [`${kind}Selector`, {}],
      [`${kind}NamespaceSelector`, {}],
    ]),
  );
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'Prometheus',
    metadata: { name: NAME, namespace: NAMESPACE },
    // No pods of its own: the program is started here.
    spec: { replicas: 0, evaluationInterval: '1s', apiserverConfig: { host: api }, ...everything },
  };
}

/** Writes what the operator made to files; answers the rule files. */
async function writeConfiguration(node: RealNode): Promise<readonly string[]> {
  const where = ['-n', NAMESPACE];
  const folder = join(node.folder, 'rules');
  await mkdir(folder);
  const rules = await until('rule files', 60_000, async () => {
    const map = await node.read<{ data?: Record<string, string> }>(
      'configmap',
      `prometheus-${NAME}-rulefiles-0`,
      ...where,
    );
    return Object.keys(map.data ?? {}).length > 0 ? map.data : undefined;
  });
  const files: string[] = [];
  for (const [name, text] of Object.entries(rules)) {
    files.push(join(folder, name));
    await writeFile(join(folder, name), text);
  }
  const text = await until('a scrape configuration', 60_000, async () => {
    const secret = await node.read<{ data?: Record<string, string> }>(
      'secret',
      `prometheus-${NAME}`,
      ...where,
    );
    const zipped = secret.data?.['prometheus.yaml.gz'];
    const config = zipped === undefined ? '' : gunzipSync(Buffer.from(zipped, 'base64')).toString();
    return config.includes('podMonitor/') && config.includes('serviceMonitor/')
      ? config
      : undefined;
  });
  // What the pod's reloader would put in.
  const placed = text
    .replaceAll('$(POD_NAME)', NAME)
    .replaceAll('$(SHARD)', '0')
    .replaceAll(/\/etc\/prometheus\/rules\/[^/]+\/\*\.yaml/g, join(folder, '*.yaml'));
  await node.file('prometheus.yaml', placed);
  return files;
}

function askedAt(api: string): Pick<Monitoring, 'targets' | 'rules' | 'value'> {
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${api}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { data: T }).data;
  };
  return {
    async targets() {
      return (await ask<{ activeTargets: Target[] }>('/targets?state=active')).activeTargets;
    },
    async rules() {
      const { groups } = await ask<{ groups: { rules: { name: string; health: string }[] }[] }>(
        '/rules',
      );
      return groups.flatMap(({ rules }) => rules);
    },
    async value(query) {
      const { result } = await ask<{ result: { value: [number, string] }[] }>(
        `/query?query=${encodeURIComponent(query)}`,
      );
      const [first] = result;
      return first === undefined ? undefined : Number(first.value[1]);
    },
  };
}
