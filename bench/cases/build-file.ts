// Rows of a file to a finished zip, as `sluice segment build` and a push make it: parse, index, persist, merge, zip.
// The file and the spec are those that Druid is given.

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildFromFile } from '../../cli/segment/build.ts';
import { readBuildSpec } from '../../cli/segment/build-spec.ts';
import { zipSegment } from '../../worker/segment/zip.ts';
import { type BenchCase, type CaseParams, measured } from '../case.ts';

/** Opens the case. */
export async function open({ file, rows }: CaseParams): Promise<BenchCase> {
  if (file === undefined) throw new Error('buildFile needs a file of rows');
  const spec = readBuildSpec(file.spec);
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  return {
    async pass() {
      const outDir = join(dir, 'segment');
      const zip = join(dir, 'index.zip');
      const { value: built, ...times } = await measured(async () => {
        const report = await buildFromFile(spec, file.rows, outDir);
        await zipSegment(outDir, zip);
        return report;
      });
      if ((await stat(zip)).size === 0) throw new Error('the zip is empty');
      await rm(outDir, { recursive: true });
      await rm(zip);
      return { ...times, answer: { rows, sums: [built.rows, built.sizeBytes] } };
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
}
