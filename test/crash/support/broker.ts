import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandProcess, startCommand } from './process.js';

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

export interface CrashBroker extends Pick<CommandProcess, 'ended' | 'signal' | 'kill'> {
  /** Resolves with its connection string when it is ready; undefined when it ended before. */
  readonly ready: Promise<string | undefined>;
}

/** Starts the built command on a folder, on any free port: clients of an earlier run cannot reach it. */
export function startCrashBroker(
  dataDir: string,
  log: (line: string) => void,
  entities: object = topology,
): CrashBroker {
  const template = join(dataDir, 'Config.json');
  writeFileSync(template, JSON.stringify(entities));
  const { ready, ended, signal, kill } = startCommand(['broker', '--template', template], {
    env: { PENSTOCK_DATA_DIR: dataDir, PENSTOCK_BROKER_PORT: '0' },
    log,
  });
  return { ready: ready.then((facts) => facts?.['connectionString']), ended, signal, kill };
}
