// Resource files -> compiled ingestions, with the file named in every problem. Also what a schema cannot say and core
// cannot know: whether the timestamp pattern compiles.

import { dirname, resolve } from 'node:path';
import { Failure } from '../core/runtime/failure.ts';
import { compileIngestion } from '../core/spec/compile.ts';
import type { CompiledIngestion } from '../core/spec/compiled.ts';
import type { RealtimeIngestion } from '../core/spec/realtime-ingestion.ts';
import { readIngestions } from '../core/spec/validate.ts';
import { timestampReader } from '../worker/parse/timestamp.ts';
import { readTextFile } from './text-file.ts';

/** Reads and compiles every resource of the files. @throws Failure `config` FileUnreadable, YamlInvalid, SpecInvalid */
export function loadResources(files: readonly string[]): readonly CompiledIngestion[] {
  const compiled = files.flatMap((file) => {
    const text = readTextFile(file, `${file}:`, 'give the path of a resource file');
    return readIngestions(text, file).map((resource) =>
      compileChecked(resource, dirname(resolve(file))),
    );
  });
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

/** Compiles a valid resource and checks what only the parser knows. @throws Failure `config` TimestampFormatInvalid */
export function compileChecked(resource: RealtimeIngestion, baseDir = '/'): CompiledIngestion {
  const ingestion = compileIngestion(resource, baseDir);
  timestampReader(ingestion.schema.timestamp.format);
  return ingestion;
}
