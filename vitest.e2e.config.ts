import { defineConfig, type ViteUserConfigExport } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

interface Suites {
  readonly include: string;
  readonly exclude?: string;
  /** How many run at once; each starts its own servers and processes. */
  readonly atOnce: number;
}

/** What needs the machine for itself: answers are judged while it runs. */
const ALONE = 'test/e2e/vertical.e2e.test.ts';

/** What SLUICE_TEST_SUITES may name; without it any file can be run, one after the other. */
const SUITES: Readonly<Record<string, Suites>> = {
  alone: { include: ALONE, atOnce: 1 },
  'data path': { include: 'test/e2e/*.e2e.test.ts', exclude: ALONE, atOnce: 2 },
  // This and the next in network namespaces that test/kube/in-namespace.ts makes. On an API server; most of them wait.
  operator: { include: 'test/e2e/operator/*.e2e.test.ts', atOnce: 3 },
  node: { include: 'test/e2e/cluster/*.e2e.test.ts', atOnce: 1 },
};

/** The longest, in order of their time: they begin first, so that none is left over at the end. */
const LONG = ['moves', 'server-faults', 'worker-faults', 'takeover', 'behaviours', 'roll', 'scale'];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.e2e.test.ts`));
      return at < 0 ? LONG.length : at;
    };
    return files.toSorted((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

const named = process.env['SLUICE_TEST_SUITES'];
const suites: Suites | undefined =
  named === undefined ? { include: 'test/e2e/**/*.e2e.test.ts', atOnce: 1 } : SUITES[named];
if (suites === undefined)
  throw new Error(`SLUICE_TEST_SUITES is ${named}; use ${Object.keys(SUITES).join(', ')}`);

const config: ViteUserConfigExport = defineConfig({
  test: {
    include: [suites.include],
    exclude: suites.exclude === undefined ? [] : [suites.exclude],
    pool: 'forks',
    maxWorkers: suites.atOnce,
    fileParallelism: suites.atOnce > 1,
    sequence: { sequencer: LongFirst },
    testTimeout: 300_000,
    // On a new machine the first suite builds its servers: the API server alone is a quarter of an hour of one core.
    hookTimeout: 2_400_000,
    reporters: ['default'],
  },
});
export default config;
