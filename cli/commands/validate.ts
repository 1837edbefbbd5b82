// `sluice validate`: checks resources as they would be checked when applied.

import { parseArgs } from 'node:util';
import { loadResources } from '../resources.ts';
import { UsageError } from '../usage.ts';

/** Prints one line a resource that is valid; every problem otherwise. */
export function runValidate(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { file: { type: 'string', short: 'f', multiple: true } },
  });
  const files = values.file ?? [];
  if (files.length === 0) throw new UsageError('give at least one -f FILE');
  for (const { namespace, name, dataSource } of loadResources(files)) {
    process.stdout.write(`${namespace}/${name}: valid, data source ${dataSource}\n`);
  }
  return Promise.resolve(0);
}
