// The chart with each of its values examples, judged by tools of others: helm lint, kubeconform with the schemas of the
// live server, the server itself by a dry run, and kube-score.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installGoTools } from '../../kube/go-tools.ts';
import { run } from '../../servers/cache.ts';
import { CHART } from './installation.ts';
import type { RealNode } from './real-node.ts';
import { writeSchemas } from './schemas.ts';

/** Checks of kube-score that the chart answers in another way. */
const ANSWERED: Readonly<Record<string, string>> = {
  // Tags are versions and never change; --set image.pullPolicy=Always where that is wanted.
  'container-image-pull-policy': 'versions',
  // Scratch space is bounded by the size limits of its volumes.
  'container-ephemeral-storage-request-and-limit': 'emptyDir.sizeLimit',
  // Pods are spread by topologySpreadConstraints, which also holds for more replicas than nodes.
  'deployment-has-host-podantiaffinity': 'topology spread',
  'statefulset-has-host-podantiaffinity': 'topology spread',
  // A choice of values (networkPolicy.enabled): policies of the cluster may cover the pods already.
  'pod-networkpolicy': 'values',
};

/** What was judged. */
export interface Judged {
  readonly examples: readonly string[];
  /** Manifests that kubeconform found valid; CRDs are left to the server. */
  readonly valid: number;
  readonly kinds: number;
  /** What kubeconform said of a manifest with a misspelt field. */
  readonly refusal: string;
}

/** Renders and judges every example. @throws Error with what a tool said */
export async function judgeManifests(node: RealNode): Promise<Judged> {
  const { kubeconform, kubeScore } = await installGoTools();
  const { location, kinds } = await writeSchemas(node);
  const examples = (await readdir(join(CHART, 'examples'))).toSorted((a, b) => (a < b ? -1 : 1));
  let valid = 0;
  for (const example of examples) {
    const values = join(CHART, 'examples', example);
    await node.helm('lint', '--strict', CHART, '-f', values);
    const text = await node.helm('template', 'r', CHART, '-n', 'default', '-f', values);
    const file = await node.file(`rendered-${example}`, text);
    const summary = await run(kubeconform, ['-strict', '-summary', ...schemasAt(location), file]);
    valid += Number(/Valid: (\d+)/.exec(summary)?.[1] ?? 0);
    // A CPU limit only makes queries slower; memory is what has to be bounded.
    const ignored = Object.keys(ANSWERED).flatMap((test) => ['--ignore-test', test]);
    await run(kubeScore, ['score', '--ignore-container-cpu-limit', ...ignored, file]);
  }
  const wrong = await node.helm(
    'template',
    'r',
    CHART,
    '-f',
    join(CHART, 'examples/external.yaml'),
  );
  const file = await node.file('misspelt.yaml', wrong.replace(/^ {2}replicas: /m, '  replica: '));
  const refusal = await run(kubeconform, ['-strict', ...schemasAt(location), file]).catch(String);
  return { examples, valid, kinds, refusal };
}

function schemasAt(location: string): readonly string[] {
  return ['-schema-location', location, '-skip', 'CustomResourceDefinition'];
}
