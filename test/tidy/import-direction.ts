// Which folder may import which, and which packages: the arrows of the architecture as a check.

import { isTestCode, type Import, type SourceFile } from './source-file.ts';

/** Folders that implement a port: only composition roots, tests and themselves may import them. */
export const ADAPTERS: readonly string[] = [
  'core/metadata/etcd',
  'core/metadata/embedded',
  'core/deepstorage/minio',
  'core/deepstorage/local',
  'worker/source/kafka',
  'worker/source/file',
  'worker/cache/redis',
  'worker/cache/memory',
  'operator/reconcile/local',
  'operator/reconcile/kubernetes',
];

/** First match decides. Prefixes of paths; a folder may always import itself. */
const MAY_IMPORT: readonly (readonly [string, readonly string[]])[] = [
  ['core/runtime/', []],
  ['core/model/', ['core/runtime/']],
  ['core/spec/', ['core/model/', 'core/runtime/']],
  ['core/', ['core/']],
  ['worker/view/', ['core/']],
  ['worker/parse/', ['core/', 'worker/view/']],
  ['worker/index/', ['core/', 'worker/view/']],
  ['worker/segment/', ['core/', 'worker/view/']],
  ['worker/query/', ['core/', 'worker/view/']],
  ['worker/source/', ['core/']],
  ['worker/cache/', ['core/']],
  ['worker/timeline/', ['core/']],
  ['worker/publish/', ['core/', 'worker/source/']],
  ['worker/roles/', ['core/', 'worker/']],
  ['worker/', ['core/', 'worker/']],
  // Names and the shape of objects; nothing that talks to a server.
  ['operator/plan/', ['core/', 'operator/api/', 'operator/kube/object.ts']],
  ['operator/', ['core/', 'operator/']],
  ['cli/', ['cli/', 'core/', 'operator/', 'worker/', 'package.json']],
];

/** Packages that run in production, and the folders that may import them. */
export const PACKAGE_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['operator/kube/'],
  cockatiel: ['core/metadata/etcd/'],
  etcd3: ['core/metadata/etcd/'],
  ioredis: ['worker/cache/redis/'],
  kafkajs: ['core/kafka/'],
  minio: ['core/deepstorage/minio/'],
  pino: ['core/runtime/'],
  'prom-client': ['core/runtime/'],
  snappyjs: ['worker/source/kafka/'],
  // A stand-in for a part of the language (Temporal), so it is used wherever calendars are.
  'temporal-polyfill': ['core/model/', 'core/spec/', 'operator/coordinator/', 'worker/query/'],
  yaml: ['core/spec/', 'cli/generate.ts'],
  yauzl: ['worker/segment/'],
  zod: ['core/spec/'],
  // Compilers of the committed wasm; run by `npm run generate` only.
  assemblyscript: ['worker/segment/wasm/', 'worker/source/kafka/wasm/'],
};

/** Wrong imports, one line each. */
export function importProblems(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, imports }) =>
    imports.flatMap((target) => {
      const why = target.isOurs
        ? directionProblem(path, target)
        : packageProblem(path, target.from);
      return why === undefined ? [] : [`${path}: imports ${target.from}; ${why}`];
    }),
  );
}

function directionProblem(path: string, { from }: Import): string | undefined {
  if (isTestCode(path)) return undefined;
  if (isTestCode(from)) return 'only tests import test code; move what both need beside the source';
  const adapter = ADAPTERS.find((folder) => from.startsWith(`${folder}/`));
  if (adapter !== undefined && !path.startsWith(`${adapter}/`) && !isRoot(path))
    return `only composition roots import adapters; take the port of ${adapter} as a parameter`;
  const [folder, allowed] = MAY_IMPORT.find(([prefix]) => path.startsWith(prefix)) ?? ['', []];
  if (from.startsWith(folder) && folder !== '') return undefined;
  if (allowed.some((prefix) => from.startsWith(prefix))) return undefined;
  return `${folder} may import ${allowed.join(', ') || 'only itself'}`;
}

/** Where adapters are built: the command line, main files, and the first file of a thread. */
function isRoot(path: string): boolean {
  return path.startsWith('cli/') || path.endsWith('/main.ts') || path.endsWith('-thread.ts');
}

function packageProblem(path: string, name: string): string | undefined {
  if (name.startsWith('node:') || isTestCode(path)) return undefined;
  const folders = PACKAGE_FOLDERS[name];
  if (folders === undefined) return 'the package has no folder; add it to PACKAGE_FOLDERS';
  if (folders.some((folder) => path.startsWith(folder))) return undefined;
  return `the package belongs to ${folders.join(', ')}; use what that folder offers`;
}

/** Cycles, type imports included: one line a cycle, its files in order. */
export function cycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push(
        `${[...trail.slice(at), path].join(' -> ')}; move what both need into a third file`,
      );
      return;
    }
    if (done.has(path)) return;
    for (const { from, isOurs } of byPath.get(path)?.imports ?? [])
      if (isOurs) visit(from, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}
