// Exports nobody imports, and files nobody reaches. Tests do not count as users, except of test code.

import { isTestCode, type SourceFile } from './source-file.ts';

/** Offered without a user in production, and why. */
const WITHOUT_USER: ReadonlyMap<string, string> = new Map([
  ['core/runtime/clock.ts manualClock', 'the real implementation that tests run on'],
  ['core/kafka/admin.ts openKafkaAdmin', 'the half of the Kafka client that makes topics'],
  ['core/kafka/producer.ts openKafkaProducer', 'the half of the Kafka client that writes'],
  ['worker/view/row-view.ts rowView', 'the plain view that engines are compared with'],
]);

/**
 * Dead exports: names that no other file of production imports. Alive are also what the own file uses and a test
 * looks at alone; and a type named again in its own file, as part of the signature of something that is used.
 */
export function deadExports(files: readonly SourceFile[]): string[] {
  const users = usersByName(files);
  return files.flatMap(({ path, exports, text }) => {
    if (isEntry(path) || path.endsWith('.d.ts') || path.includes('/generated/')) return [];
    return exports.flatMap(({ name, isType }) => {
      if (WITHOUT_USER.has(`${path} ${name}`)) return [];
      const by = [...(users.get(`${path} ${name}`) ?? []), ...(users.get(`${path} *`) ?? [])];
      const others = by.filter((user) => user !== path);
      if (others.some((user) => isTestCode(path) || !isTestCode(user))) return [];
      const isUsedHere = occurrences(text, name) > 1;
      if (isUsedHere && (isType || others.length > 0)) return [];
      const who = others.length > 0 ? 'only tests import' : 'nobody imports';
      return [`${path}: ${who} '${name}'; drop the export, or delete what is not used`];
    });
  });
}

/** Files that no entry reaches. `entries` are paths from the root. */
export function deadFiles(files: readonly SourceFile[], entries: readonly string[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reach = (from: readonly string[]): Set<string> => {
    const seen = new Set<string>();
    const queue = [...from];
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      for (const target of byPath.get(path)?.imports ?? [])
        if (target.isOurs) queue.push(target.from);
    }
    return seen;
  };
  const production = reach(entries.filter((path) => !isTestCode(path)));
  const all = reach([...entries, ...files.map(({ path }) => path).filter(isEntry)]);
  return files
    .map(({ path }) => path)
    .filter((path) => !path.endsWith('.d.ts'))
    .flatMap((path) => {
      if (isTestCode(path) ? all.has(path) : production.has(path)) return [];
      if ([...WITHOUT_USER.keys()].some((key) => key.startsWith(`${path} `))) return [];
      return [`${path}: ${all.has(path) ? 'only tests reach' : 'nothing reaches'} it; delete it`];
    });
}

/** Files that vitest or a person runs. */
function isEntry(path: string): boolean {
  return /\.test\.ts$|^vitest[\w.]*\.config\.ts$|^test\/servers\/global-setup\.ts$/.test(path);
}

function usersByName(files: readonly SourceFile[]): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const { path, imports } of files) {
    for (const { from, isOurs, names } of imports) {
      if (!isOurs) continue;
      for (const name of names) {
        const key = `${from} ${name}`;
        users.set(key, [...(users.get(key) ?? []), path]);
      }
    }
  }
  return users;
}

function occurrences(text: string, name: string): number {
  return text.match(new RegExp(`\\b${name}\\b`, 'g'))?.length ?? 0;
}
