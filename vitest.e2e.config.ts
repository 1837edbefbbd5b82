import { defineConfig, type ViteUserConfigExport } from 'vitest/config';

/** What needs the machine for itself: answers and memory are judged while it runs. */
const ALONE = ['test/e2e/{vertical,memory}.e2e.test.ts'];
/** What needs a real node, in the network namespace that test/kube/in-namespace.ts makes. */
const ON_A_NODE = ['test/e2e/cluster/*.e2e.test.ts'];

/**
 * End-to-end suites; each starts its own servers and processes. SLUICE_TEST_SIDE_BY_SIDE runs those that mostly wait, two
 * at a time, SLUICE_TEST_CLUSTER those on a real node; without either the suites that need the machine for themselves
 * run one after the other.
 */
const isSideBySide: boolean = process.env['SLUICE_TEST_SIDE_BY_SIDE'] === 'true';
const isCluster: boolean = process.env['SLUICE_TEST_CLUSTER'] === 'true';
const alone: readonly string[] = isCluster ? ON_A_NODE : ALONE;

const config: ViteUserConfigExport = defineConfig({
  test: {
    include: isSideBySide ? ['test/e2e/**/*.e2e.test.ts'] : [...alone],
    exclude: isSideBySide ? [...ALONE, ...ON_A_NODE] : [],
    pool: 'forks',
    maxWorkers: isSideBySide ? 2 : 1,
    fileParallelism: isSideBySide,
    testTimeout: 300_000,
    // On a new machine the first suite builds its servers: the API server alone is a quarter of an hour of one core.
    hookTimeout: 2_400_000,
    reporters: ['default'],
  },
});
export default config;
