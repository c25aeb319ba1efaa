import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { roleNodeFlags } from '../../../src/local/index.js';
import { residentBytesOf } from '../../helpers/resident.js';
import { HOSTILE_KEY } from './requests.js';
import { STEADY_KEY } from './steady.js';

export const HUB = 'clicks';
const GROUP = 'reader';

/** The entities, as the official emulators' Config.json has them. */
const topology = {
  UserConfig: {
    Namespaces: [
      {
        Name: 'abuse',
        Topics: [
          {
            Name: 'events',
            Properties: { RequiresDuplicateDetection: true, DuplicateDetectionHistoryTimeWindow: 'PT13H' },
            Subscriptions: [{ Name: 'all' }],
          },
        ],
      },
    ],
    NamespaceConfig: [
      {
        Type: 'EventHub',
        Name: 'abuse',
        Entities: [{ Name: HUB, PartitionCount: '4', ConsumerGroups: [{ Name: GROUP }] }],
      },
    ],
  },
};

/** A role of the built command as a process of its own, started as `penstock start` starts it, with what it prints. */
export interface Role {
  readonly pid: number | undefined;
  readonly facts: Readonly<Record<string, string>>;
  readonly output: () => string;
  readonly isAlive: () => boolean;
  /** Resident memory in MB, as the system counts it. */
  readonly residentMb: () => number;
  stop(): Promise<number | null>;
}

const MAX_OUTPUT = 200_000;

async function startRole(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Role> {
  const { PATH = '', HOME = '' } = process.env;
  const child: ChildProcess = fork('dist/cli/main.js', args, {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [...roleNodeFlags(args[0] ?? '')],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-MAX_OUTPUT);
    });
  }
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const ready = await Promise.race([
    once(child, 'message').then(([message]) => (message as { facts: Record<string, string> }).facts),
    once(child, 'exit').then(() => undefined),
  ]);
  if (ready === undefined) throw new Error(`${args.join(' ')} does not start:\n${output}`);
  return {
    pid: child.pid,
    facts: ready,
    output: () => output,
    isAlive,
    residentMb: () => Math.round(residentBytesOf(child.pid) / 2 ** 20),
    async stop() {
      if (isAlive()) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      return child.exitCode;
    },
  };
}

/** Short, so that what never ends is not waited for. */
const HTTP = { headersTimeoutMs: 1000, requestTimeoutMs: 3000 };

export async function startStack(dataDir: string, workers = 1): Promise<{ broker: Role; gateway: Role }> {
  const template = join(dataDir, 'Config.json');
  writeFileSync(template, JSON.stringify(topology));
  const broker = await startRole(['broker', '--template', template], {
    PENSTOCK_DATA_DIR: dataDir,
    PENSTOCK_BROKER_PORT: '0',
    PENSTOCK_LOG_LEVEL: 'warn',
  });
  const connectionString = broker.facts['connectionString'] ?? '';
  const sources = [
    {
      name: 'hostile',
      writeKey: HOSTILE_KEY,
      webhooks: { shopify: ['secret-of-shopify'], stripe: ['secret-of-stripe'] },
    },
    { name: 'steady', writeKey: STEADY_KEY },
  ];
  const gateway = await startRole(['gateway', '--port', '0', '--workers', String(workers)], {
    PENSTOCK_DATA_DIR: dataDir,
    PENSTOCK_LOG_LEVEL: 'warn',
    PENSTOCK_SERVICEBUS_CONNECTION_STRING: connectionString,
    PENSTOCK_EVENTHUBS_CONNECTION_STRING: connectionString,
    PENSTOCK_SOURCES: JSON.stringify(sources),
    PENSTOCK_HTTP: JSON.stringify(HTTP),
    PENSTOCK_HOT_VISITORS: '{"eventsPerSecond":0}',
  }).catch(async (error: unknown) => {
    await broker.stop();
    throw error;
  });
  return { broker, gateway };
}
