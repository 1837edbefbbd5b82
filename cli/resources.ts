// Resource files -> compiled ingestions, with the file named in every problem. Also what a schema cannot say and core
// cannot know: whether the timestamp pattern compiles.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Failure, messageOf } from '../core/runtime/failure.ts';
import { compileIngestion } from '../core/spec/compile.ts';
import type { CompiledIngestion } from '../core/spec/compiled.ts';
import { readIngestions } from '../core/spec/validate.ts';
import { timestampReader } from '../worker/parse/timestamp.ts';

/** Reads and compiles every resource of the files. @throws Failure `config` FileUnreadable, YamlInvalid, SpecInvalid */
export function loadResources(files: readonly string[]): readonly CompiledIngestion[] {
  const compiled = files.flatMap((file) => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw new Failure(
        'config',
        'FileUnreadable',
        `${file}: cannot be read (${messageOf(error)}); give the path of a resource file`,
        error,
      );
    }
    return readIngestions(text, file).map((resource) =>
      compileIngestion(resource, dirname(resolve(file))),
    );
  });
  for (const ingestion of compiled) timestampReader(ingestion.schema.timestamp.format);
  const seen = new Set<string>();
  for (const { namespace, name } of compiled) {
    if (seen.has(`${namespace}/${name}`))
      throw new Failure(
        'config',
        'SpecInvalid',
        `metadata.name: value "${name}" is given twice in namespace ${namespace}; resources need different names`,
      );
    seen.add(`${namespace}/${name}`);
  }
  return compiled;
}
