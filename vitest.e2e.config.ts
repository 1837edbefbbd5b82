import { defineConfig, type ViteUserConfigExport } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What needs the machine for itself: answers are judged while it runs. */
const ALONE = ['test/e2e/vertical.e2e.test.ts'];
/** What needs a real node, in the network namespace that test/kube/in-namespace.ts makes. */
const ON_A_NODE = ['test/e2e/cluster/*.e2e.test.ts'];
/** Suites that take longest; they begin first, so that none of them is left over at the end. */
const LONG = /(?:moves|takeover|worker-faults|server-faults|memory|scale)\.e2e/;

/**
 * End-to-end suites; each starts its own servers and processes. SLUICE_TEST_SIDE_BY_SIDE runs those that mostly wait,
 * two at a time, SLUICE_TEST_CLUSTER those on a real node; without either the suites that need the machine for
 * themselves run one after the other.
 */
const isSideBySide: boolean = process.env['SLUICE_TEST_SIDE_BY_SIDE'] === 'true';
const isCluster: boolean = process.env['SLUICE_TEST_CLUSTER'] === 'true';
const alone: readonly string[] = isCluster ? ON_A_NODE : ALONE;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => (LONG.test(moduleId) ? 0 : 1);
    return files.toSorted((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

const config: ViteUserConfigExport = defineConfig({
  test: {
    include: isSideBySide ? ['test/e2e/**/*.e2e.test.ts'] : [...alone],
    exclude: isSideBySide ? [...ALONE, ...ON_A_NODE] : [],
    pool: 'forks',
    maxWorkers: isSideBySide ? 2 : 1,
    fileParallelism: isSideBySide,
    sequence: { sequencer: LongFirst },
    testTimeout: 300_000,
    // On a new machine the first suite builds its servers: the API server alone is a quarter of an hour of one core.
    hookTimeout: 2_400_000,
    reporters: ['default'],
  },
});
export default config;
