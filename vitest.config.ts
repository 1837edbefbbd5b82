import { configDefaults, defineConfig, type ViteUserConfigExport } from 'vitest/config';

/** Unit, contract and golden tests run in worker processes; end-to-end tests start their own processes. */
const config: ViteUserConfigExport = defineConfig({
  test: {
    include: ['{core,cli,operator,worker,bench,test}/**/*.test.ts'],
    exclude: [...configDefaults.exclude, '**/*.e2e.test.ts'],
    // `npm test` starts the real servers once for all files; a single file starts what it needs by itself.
    globalSetup:
      process.env['SLUICE_TEST_SHARED'] === 'true' ? ['test/servers/global-setup.ts'] : [],
    pool: 'forks',
    maxWorkers: 2,
    // Far beyond what any takes: deadlines that a protocol promises are asserted, the machine's speed is not.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    reporters: ['default'],
  },
});
export default config;
