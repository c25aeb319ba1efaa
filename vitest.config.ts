import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files of each project that take longest, which Vitest cannot tell on a fresh clone: one that begins last would run alone. */
const LONGEST = [
  'e2e/exactly-once.test',
  'e2e/start.test',
  'abuse/workers.test',
  'crash/broker.test',
  'e2e/scale-out.test',
  'e2e/replay.test',
  'crash/gateway.test',
  'e2e/offers.test',
  'e2e/workers.test',
  'e2e/broker-command.test',
  'e2e/broker-kill.test',
  'abuse/broker.test',
  'abuse/gateway.test',
  'dashboard/server.integration',
  'aggregators/replay.integration',
  'tracker/browsers.integration',
  'tracker/offline.integration',
  'tracker/consent.integration',
  'tracker/pages.integration',
  'tracker/tracker.integration',
  'aggregators/aggregator.integration',
  'broker/hub-capture.integration',
  'broker/crash-states.integration',
  'gateway/gateway.integration',
  'broker/disk.integration',
  'dashboard/web/page.integration',
  'dashboard/web/audit.integration',
  'dashboard/web/readers.integration',
  'broker/amqp/transactions/crash.integration',
  'broker/disk-full.integration',
];

/** Files of a project stay together: those of another are not given to a process that is there already. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const placeOf = ({ project, moduleId }: TestSpecification) => {
      const place = LONGEST.findIndex((name) => moduleId.includes(`/test/${name}.`));
      return projects.indexOf(project.name) * 2 * LONGEST.length + (place < 0 ? LONGEST.length : place);
    };
    return sorted.sort((a, b) => placeOf(a) - placeOf(b));
  }
}

/**
 * unit: pure, in process, no sockets. integration: the official SDKs, a real broker, Redis, blobs and browser, on
 * loopback. e2e: the built command, as a user runs it. Four files of the latter two at a time, however many cores there
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
          testTimeout: 300_000,
          hookTimeout: 300_000,
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
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/crash/**/*.test.ts', 'test/abuse/**/*.test.ts'],
          pool: 'forks',
          isolate: false,
          setupFiles: ['test/helpers/leftovers.ts'],
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
