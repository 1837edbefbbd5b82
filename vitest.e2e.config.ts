import { defineConfig, type ViteUserConfigExport } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What needs the machine for itself: answers are judged while it runs. */
const ALONE = ['test/e2e/vertical.e2e.test.ts'];
/** What needs a real node, in the network namespace that test/kube/in-namespace.ts makes. */
const ON_A_NODE = ['test/e2e/cluster/*.e2e.test.ts'];
/** Suites that need most of the processors, longest first; the others mostly wait. */
const BUSY = ['moves', 'worker-faults', 'server-faults', 'takeover', 'memory', 'scale'];

/**
 * End-to-end suites; each starts its own servers and processes. SLUICE_TEST_SIDE_BY_SIDE runs those that mostly wait,
 * two at a time, SLUICE_TEST_CLUSTER those on a real node; without either the suites that need the machine for
 * themselves run one after the other.
 */
const isSideBySide: boolean = process.env['SLUICE_TEST_SIDE_BY_SIDE'] === 'true';
const isCluster: boolean = process.env['SLUICE_TEST_CLUSTER'] === 'true';
const alone: readonly string[] = isCluster ? ON_A_NODE : ALONE;

/** Busy suites and those that wait in turn, so that both kinds run at any time. */
class BusyAndWaiting extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      BUSY.findIndex((name) => moduleId.endsWith(`/${name}.e2e.test.ts`));
    const byName = files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
    const busy = byName.filter((file) => rank(file) >= 0).toSorted((a, b) => rank(a) - rank(b));
    const waiting = byName.filter((file) => rank(file) < 0);
    const turns = Array.from({ length: Math.max(busy.length, waiting.length) }, (_, i) => i);
    return turns.flatMap((i) => [...busy.slice(i, i + 1), ...waiting.slice(i, i + 1)]);
  }
}

const config: ViteUserConfigExport = defineConfig({
  test: {
    include: isSideBySide ? ['test/e2e/**/*.e2e.test.ts'] : [...alone],
    exclude: isSideBySide ? [...ALONE, ...ON_A_NODE] : [],
    pool: 'forks',
    maxWorkers: isSideBySide ? 2 : 1,
    fileParallelism: isSideBySide,
    sequence: { sequencer: BusyAndWaiting },
    testTimeout: 300_000,
    // On a new machine the first suite builds its servers: the API server alone is a quarter of an hour of one core.
    hookTimeout: 2_400_000,
    reporters: ['default'],
  },
});
export default config;
