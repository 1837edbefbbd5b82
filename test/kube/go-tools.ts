// Tools of other projects that judge what the chart renders and the roles expose, built once by the Go tool chain from
// its module proxy and kept in the cache: Prometheus with promtool, the Prometheus operator, kubeconform, kube-score.

import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, run, which } from '../servers/cache.ts';

const VERSIONS = {
  prometheus: 'v0.316.0',
  prometheusOperator: 'v0.85.0',
  kubeconform: 'v0.8.0',
  kubeScore: 'v1.20.0',
} as const;
const OPERATOR_MODULE = 'github.com/prometheus-operator/prometheus-operator';

/** Where the tools are. */
export interface GoTools {
  readonly prometheus: string;
  readonly promtool: string;
  /** Makes a scrape configuration of ServiceMonitors and PodMonitors. */
  readonly prometheusOperator: string;
  /** Folder of its CRDs. */
  readonly prometheusCrds: string;
  readonly kubeconform: string;
  readonly kubeScore: string;
}

/** Builds what is not in the cache. */
export async function installGoTools(): Promise<GoTools> {
  const go = process.env['GO'] ?? which('go', '/usr/local/go/bin/go') ?? 'go';
  // Only discovery through Kubernetes is needed; the others are most of the program.
  const tags = ['-tags', 'remove_all_sd,enable_kubernetes_sd'];
  const install = (name: string, version: string, path: string, flags: readonly string[] = []) =>
    cached(`${name}-${version}`, async (folder) => {
      const args = ['install', '-trimpath', '-ldflags=-s -w', ...flags, `${path}@${version}`];
      await run(go, args, { env: { GOBIN: folder, CGO_ENABLED: '0' } });
      await cp(join(folder, name), join(folder, 'out'));
    });
  const prometheusPath = 'github.com/prometheus/prometheus/cmd';
  // One after the other: each uses every core.
  return {
    kubeconform: await install(
      'kubeconform',
      VERSIONS.kubeconform,
      'github.com/yannh/kubeconform/cmd/kubeconform',
    ),
    kubeScore: await install(
      'kube-score',
      VERSIONS.kubeScore,
      'github.com/zegl/kube-score/cmd/kube-score',
    ),
    prometheus: await install(
      'prometheus',
      VERSIONS.prometheus,
      `${prometheusPath}/prometheus`,
      tags,
    ),
    promtool: await install('promtool', VERSIONS.prometheus, `${prometheusPath}/promtool`, tags),
    ...(await installPrometheusOperator(go)),
  };
}

async function installPrometheusOperator(
  go: string,
): Promise<Pick<GoTools, 'prometheusOperator' | 'prometheusCrds'>> {
  const folder = await cached(
    `prometheus-operator-${VERSIONS.prometheusOperator}`,
    async (work) => {
      // Its go.mod replaces modules by folders, which `go install` refuses: built through a module of our own.
      const module = fileURLToPath(new URL('mods/prometheus-operator', import.meta.url));
      const options = { cwd: module, env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' } };
      const out = join(work, 'out');
      await mkdir(out);
      const flags = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w'];
      const program = join(out, 'prometheus-operator');
      await run(go, ['build', ...flags, '-o', program, `${OPERATOR_MODULE}/cmd/operator`], options);
      const listed = await run(go, ['list', '-m', '-f', '{{.Dir}}', OPERATOR_MODULE], options);
      const crds = join(listed.trim(), 'example/prometheus-operator-crd');
      // The module cache is read-only; the copy must be removable.
      await run('cp', ['-r', '--no-preserve=mode', crds, join(out, 'crds')]);
    },
  );
  return {
    prometheusOperator: join(folder, 'prometheus-operator'),
    prometheusCrds: join(folder, 'crds'),
  };
}
