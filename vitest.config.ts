import { defineConfig } from 'vitest/config';

/**
 * unit: pure, in process, no sockets. integration: the official SDKs, a real broker, Redis, blobs and browser, on
 * loopback. e2e: the built command, as a user runs it. Two files at a time, however many cores there are: those of the
 * latter two have processes of their own, at free ports and in folders of their own, and wait for them half of their time.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.integration.test.ts', 'test/e2e/**', 'test/crash/**', 'test/abuse/**'],
          // Pure tests have nothing to isolate, and loading every module for every file takes most of the time.
          pool: 'threads',
          isolate: false,
          maxWorkers: 2,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.integration.test.ts'],
          // The modules of the product and of the SDKs take two seconds of each file that loads them anew.
          pool: 'forks',
          isolate: false,
          globalSetup: ['test/helpers/web-folder.ts'],
          setupFiles: ['test/helpers/leftovers.ts'],
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/crash/**/*.test.ts', 'test/abuse/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
