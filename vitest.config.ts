import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, which Vitest cannot tell on a fresh clone: one that begins last would run alone. */
const LONGEST = [
  'e2e/exactly-once.test',
  'e2e/start.test',
  'crash/broker.test',
  'e2e/offers.test',
  'e2e/scale-out.test',
  'e2e/broker-kill.test',
  'abuse/broker.test',
  'dashboard/web/audit.integration',
  'tracker/pages.integration',
  'broker/crash.integration',
  'broker/delivery-count-crash.integration',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONGEST.some((name) => moduleId.includes(`/test/${name}.`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/**
 * unit: pure, in process, no sockets. integration: the official SDKs, a real broker, Redis, blobs and browser, on
 * loopback. e2e: the built command, as a user runs it. Three files of the latter two at a time, however many cores there
 * are: they have processes of their own, at free ports and in folders of their own, and wait for them half of their time.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
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
          testTimeout: 60_000,
          hookTimeout: 60_000,
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
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/crash/**/*.test.ts', 'test/abuse/**/*.test.ts'],
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
