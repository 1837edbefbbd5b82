// Ports with several implementations: every adapter runs the contract suite of its port.

import { dirname, posix } from 'node:path';
import type { SourceFile } from './source-file.ts';

/** Adapters that run no contract. `adapters` are folders. */
export function contractProblems(
  files: readonly SourceFile[],
  adapters: readonly string[],
): { readonly problems: readonly string[]; readonly checked: number } {
  const problems: string[] = [];
  let checked = 0;
  const contracts = files.map(({ path }) => path).filter((path) => path.endsWith('.contract.ts'));
  for (const contract of contracts) {
    for (const adapter of adapters) {
      if (posix.dirname(adapter) !== dirname(contract)) continue;
      const inside = files.filter(({ path }) => path.startsWith(`${adapter}/`));
      if (inside.length === 0) continue;
      checked++;
      const isRun = inside.some(
        ({ path, imports }) =>
          path.endsWith('.test.ts') && imports.some(({ from }) => from === contract),
      );
      if (!isRun) problems.push(`${adapter}: no test runs ${contract}`);
    }
  }
  return { problems, checked };
}
