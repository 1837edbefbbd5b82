import { defineConfig, type ViteUserConfigExport } from 'vitest/config';

/** End-to-end suites: each starts its own servers and processes, one after the other. */
const config: ViteUserConfigExport = defineConfig({
  test: {
    include: ['test/e2e/**/*.e2e.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 900_000,
    reporters: ['default'],
  },
});
export default config;
