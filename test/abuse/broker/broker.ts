import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerStatus } from '../../../src/broker/status/index.js';
import { roleNodeFlags } from '../../../src/local/index.js';

/** Consumer groups for those who do not read what they ask for; a partition takes five readers in each. */
const GROUPS = 20;

const queue = (Name: string, Properties: object = {}) => ({
  Name,
  Properties: { DefaultMessageTimeToLive: 'P1D', MaxDeliveryCount: 2000, ...Properties },
});
const groups = (...names: readonly string[]) => names.map((Name) => ({ Name }));

/** `orders` and `events` are of the clients that behave well; the rest is for the others. */
const topology = {
  UserConfig: {
    Namespaces: [
      {
        Name: 'abuse',
        Queues: [
          queue('orders', { LockDuration: 'PT5M' }),
          queue('abused'),
          queue('jail', { LockDuration: 'PT5S' }),
          queue('sessions', { RequiresSession: true, LockDuration: 'PT5S' }),
        ],
        Topics: [{ Name: 'news', Properties: {}, Subscriptions: [{ Name: 'all', Properties: {} }] }],
      },
    ],
    NamespaceConfig: [
      {
        Type: 'EventHub',
        Name: 'abuse',
        Entities: [
          { Name: 'events', PartitionCount: '2', ConsumerGroups: groups('abuse') },
          {
            Name: 'archive',
            PartitionCount: '2',
            ConsumerGroups: groups(...Array.from({ length: GROUPS }, (_, index) => `group${index}`)),
          },
        ],
      },
    ],
  },
};

export interface AbusedBroker {
  readonly port: number;
  readonly connectionString: string;
  status(): Promise<BrokerStatus>;
  /** What it logged as an error: it should not take what its clients do for one of its own. */
  readonly errors: readonly string[];
  stop(): Promise<number | null>;
}

const isError = (line: string): boolean => {
  try {
    return Number((JSON.parse(line) as { level?: unknown }).level) >= 50;
  } catch {
    return line.trim() !== '';
  }
};

/** Starts the built command on a folder, on loopback alone, with the flags that `penstock start` gives it. */
export async function startAbusedBroker(dataDir: string): Promise<AbusedBroker> {
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
    execArgv: [...roleNodeFlags('broker')],
  });
  const errors: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      errors.push(...chunk.toString().split('\n').filter(isError).slice(0, 20));
    });
  }
  const exited = once(child, 'exit');
  const [message] = await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error(`the broker does not start: ${errors.join('\n')}`))),
  ]);
  const { connectionString } = (message as { facts: { connectionString: string } }).facts;
  const port = Number(/:(\d+)/.exec(connectionString)?.[1]);
  return {
    port,
    connectionString,
    errors,
    status: async () => (await (await fetch(`http://localhost:${port}/status`)).json()) as BrokerStatus,
    async stop() {
      child.kill('SIGTERM');
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}
