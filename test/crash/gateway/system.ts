import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort, roleEnvironment, roleNodeFlags } from '../../../src/local/index.js';
import { startProxy, type TestProxy } from '../../helpers/proxy.js';
import { HUB, PARTITIONS, startCrashBroker } from '../support/broker.js';
import { startCommand } from '../support/process.js';
import { WRITE_KEY } from './clients.js';
import type { Kind } from './ledger.js';

export const TOPIC = 'events';
export const SUBSCRIPTION = 'all';

/** The entities, as the official emulators' Config.json has them. */
const topology = {
  UserConfig: {
    Namespaces: [
      {
        Name: 'crash',
        Topics: [
          {
            Name: TOPIC,
            Properties: {
              RequiresDuplicateDetection: true,
              DuplicateDetectionHistoryTimeWindow: 'PT13H',
              DefaultMessageTimeToLive: 'P1D',
            },
            Subscriptions: [{ Name: SUBSCRIPTION, Properties: { DefaultMessageTimeToLive: 'P1D' } }],
          },
        ],
      },
    ],
    NamespaceConfig: [
      { Type: 'EventHub', Name: 'crash', Entities: [{ Name: HUB, PartitionCount: String(PARTITIONS.length) }] },
    ],
  },
};

/** A process that is ended and started again, always with the same data. */
export interface Part {
  start(): Promise<void>;
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code, or the signal that ended it. */
  stop(): Promise<number | NodeJS.Signals>;
  freeze(): void;
  thaw(): void;
  readonly pid: () => number | undefined;
}

interface Startable {
  readonly ready: Promise<unknown>;
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly pid?: number | undefined;
  signal(signal: NodeJS.Signals): void;
}

/** @param onEnd told of an end that nobody asked for */
function createPart(name: string, open: () => Startable, onEnd: (text: string) => void): Part {
  let process: Startable | undefined;
  const end = async (signal: NodeJS.Signals) => {
    const ending = process;
    process = undefined;
    if (ending === undefined) return 0;
    ending.signal(signal);
    // A process that is stopped takes no other signal but SIGKILL.
    ending.signal('SIGCONT');
    return ending.ended;
  };
  return {
    async start() {
      const started = open();
      process = started;
      void started.ended.then((how) => {
        if (process === started) onEnd(`${name} ended by itself: ${how}`);
      });
      if ((await started.ready) === undefined && process === started) throw new Error(`${name} does not start`);
    },
    async kill() {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    freeze: () => process?.signal('SIGSTOP'),
    thaw: () => process?.signal('SIGCONT'),
    pid: () => process?.pid,
  };
}

/** A broker and the network between it and the gateway. */
export interface BrokerSide {
  readonly kind: Kind;
  readonly part: Part;
  readonly proxy: TestProxy;
  /** Past the proxy. */
  readonly connectionString: () => string;
}

export interface SystemOptions {
  readonly dataDir: string;
  /** Further configuration of the gateway. */
  readonly gateway: Readonly<Record<string, string>>;
  readonly log: (part: string, text: string) => void;
  readonly onEnd: (text: string) => void;
}

/** A gateway between two brokers: one for the topic, one for the hub, each behind a network of its own. */
export interface System {
  readonly url: string;
  readonly gateway: Part;
  readonly sides: Readonly<Record<Kind, BrokerSide>>;
  stop(): Promise<void>;
}

export async function startSystem(options: SystemOptions): Promise<System> {
  const [order, view] = await Promise.all([startSide('order', options), startSide('view', options)]);
  const port = await findFreePort();
  const env = {
    ...roleEnvironment('gateway'),
    PENSTOCK_DATA_DIR: join(options.dataDir, 'gateway'),
    PENSTOCK_PORT: String(port),
    PENSTOCK_SOURCES: JSON.stringify([{ name: 'crash', writeKey: WRITE_KEY }]),
    PENSTOCK_SERVICEBUS_CONNECTION_STRING: throughProxy(order),
    PENSTOCK_EVENTHUBS_CONNECTION_STRING: throughProxy(view),
    ...options.gateway,
  };
  const log = (text: string) => options.log('gateway', text);
  const openGateway = () => startCommand(['gateway'], { env, log, execArgv: roleNodeFlags('gateway') });
  const gateway = createPart('the gateway', openGateway, options.onEnd);
  const stop = async () => {
    await Promise.all([gateway.kill(), order.part.kill(), view.part.kill()]);
    await Promise.all([order.proxy.stop(), view.proxy.stop()]);
  };
  try {
    await gateway.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, gateway, sides: { order, view }, stop };
}

async function startSide(kind: Kind, { dataDir, log, onEnd }: SystemOptions): Promise<BrokerSide> {
  const name = `broker of the ${kind}s`;
  const folder = join(dataDir, `broker-${kind}`);
  mkdirSync(folder, { recursive: true });
  const proxy = await startProxy(0);
  let connectionString = '';
  const open = () => {
    const { ready, ...process } = startCrashBroker(folder, (text) => log(name, text), topology);
    const known = ready.then((found) => {
      connectionString = found ?? connectionString;
      proxy.retarget(Number(PORT_OF.exec(connectionString)?.[1]));
      return found;
    });
    return { ready: known, ...process };
  };
  const part = createPart(`the ${name}`, open, onEnd);
  await part.start();
  return { kind, part, proxy, connectionString: () => connectionString };
}

const PORT_OF = /Endpoint=sb:\/\/[^:/;]+:(\d+)/;

const throughProxy = ({ connectionString, proxy }: BrokerSide): string =>
  connectionString().replace(/(Endpoint=sb:\/\/)[^;]+/, `$1localhost:${proxy.port}`);
