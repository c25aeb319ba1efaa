import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ORDERS = 'orders';
export const JOBS = 'jobs';
export const HUB = 'clicks';
export const PARTITIONS = ['0', '1', '2', '3'] as const;

/** The entities, as the official emulators' Config.json has them. */
const topology = {
  UserConfig: {
    Namespaces: [
      {
        Name: 'crash',
        Queues: [
          {
            Name: ORDERS,
            Properties: {
              RequiresDuplicateDetection: true,
              DuplicateDetectionHistoryTimeWindow: 'PT12H',
              DefaultMessageTimeToLive: 'P1D',
              MaxDeliveryCount: 1000,
              LockDuration: 'PT5M',
            },
          },
          { Name: JOBS, Properties: { DefaultMessageTimeToLive: 'P1D' } },
        ],
      },
    ],
    NamespaceConfig: [
      { Type: 'EventHub', Name: 'crash', Entities: [{ Name: HUB, PartitionCount: String(PARTITIONS.length) }] },
    ],
  },
};

export interface CrashBroker {
  /** Resolves when it is ready; undefined when it ended before. */
  readonly ready: Promise<string | undefined>;
  kill(): Promise<void>;
}

/** Starts the built command on a folder, on any free port: clients of an earlier run cannot reach it. */
export function startCrashBroker(dataDir: string, log: (line: string) => void): CrashBroker {
  const template = join(dataDir, 'Config.json');
  writeFileSync(template, JSON.stringify(topology));
  const child = fork('dist/cli/main.js', ['broker', '--template', template], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      PENSTOCK_DATA_DIR: dataDir,
      PENSTOCK_BROKER_PORT: '0',
      PENSTOCK_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => log(chunk.toString()));
  const exited = once(child, 'exit');
  const ready = Promise.race([
    once(child, 'message').then(([message]) => (message as { facts: { connectionString: string } }).facts),
    exited.then(() => undefined),
  ]).then((facts) => facts?.connectionString);
  return {
    ready,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
