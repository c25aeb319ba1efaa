import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { every, systemClock } from '../../../src/shared/clock.js';
import { bundleProgram } from '../../helpers/bundle.js';
import { waitFor } from '../../helpers/wait.js';
import { type AbusedBroker, startAbusedBroker } from './broker.js';
import type { HostileOrder, HostileReport } from './hostile-main.js';
import { startWellBehaved } from './well-behaved.js';

export interface AbuseOptions {
  readonly dataDir: string;
  readonly seconds: number;
  readonly connections: number;
  /** So many hostile things are done at the least, however long that takes. */
  readonly atLeast?: number;
  readonly seed: number;
  readonly progress?: (text: string) => void;
}

export interface AbuseResult {
  readonly hostile: HostileReport['done'];
  readonly sent: number;
  readonly events: number;
  readonly mostConnections: number;
  readonly mostLinks: number;
  readonly mostMemoryBytes: number;
  /** Of the sends of clients that behave well: they are shown and not judged. */
  readonly sendMs: { readonly median: number; readonly p99: number; readonly longest: number };
  /** What was promised and not kept. */
  readonly violations: readonly string[];
}

/** What waits for the disk, for clients and for the ends of deliveries is bounded; this is all of it, and what a process needs. */
const MAX_MEMORY_BYTES = 768 * 1024 * 1024;
const JAILED = 500;
const SESSIONS = 10;
const ARCHIVED_BATCHES = 60;
const STOPPED_PEERS = 3;
const SAMPLE_MS = 500;

const startProcess = async (order: HostileOrder): Promise<ChildProcess> =>
  fork(await bundleProgram('test/abuse/broker/hostile-main.ts'), [JSON.stringify(order)], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

/** What hostile clients find there. */
async function fill(connectionString: string): Promise<void> {
  const bus = new ServiceBusClient(connectionString);
  await bus.createSender('jail').sendMessages(Array.from({ length: JAILED }, (_, index) => ({ body: index })));
  const sessions = Array.from({ length: SESSIONS }, (_, index) => ({ body: index, sessionId: `session-${index}` }));
  await bus.createSender('sessions').sendMessages(sessions);
  await bus.close();
  const producer = new EventHubProducerClient(connectionString, 'archive');
  const body = Buffer.alloc(4000, 'x');
  for (let batch = 0; batch < ARCHIVED_BATCHES; batch++) {
    const partitionId = String(batch % 2);
    await producer.sendBatch(
      Array.from({ length: 200 }, () => ({ body })),
      { partitionId },
    );
  }
  await producer.close();
}

/** Peers whose process stands still, with all that they asked for on its way to them. */
async function startStoppedPeers(order: HostileOrder): Promise<() => Promise<void>> {
  const peers = await Promise.all(
    Array.from({ length: STOPPED_PEERS }, () => startProcess({ ...order, role: 'peer' })),
  );
  await Promise.all(peers.map((peer) => once(peer, 'message')));
  for (const peer of peers) peer.kill('SIGSTOP');
  return async () => {
    await Promise.all(
      peers.map((peer) => {
        const exited = once(peer, 'exit');
        peer.kill('SIGKILL');
        return exited;
      }),
    );
  };
}

/** Says what is still held for clients that are gone. */
async function leftBehind({ connectionString, status }: AbusedBroker): Promise<string[]> {
  const left: string[] = [];
  await waitFor('the end of all connections', async () => {
    const { connections, links, hubs } = await status();
    const readers = hubs.flatMap(({ partitions }) => partitions.flatMap((partition) => partition.readers));
    return connections === 0 && links === 0 && readers.length === 0;
  }).catch(async () => {
    const { connections, links } = await status();
    left.push(`${connections} connections and ${links} links are left of clients that are gone`);
  });
  const bus = new ServiceBusClient(connectionString);
  const jail = bus.createReceiver('jail', { receiveMode: 'receiveAndDelete' });
  let freed = 0;
  await waitFor('the end of all locks', async () => {
    freed += (await jail.receiveMessages(JAILED, { maxWaitTimeInMs: 1000 })).length;
    return freed >= JAILED;
  }).catch(() => void left.push(`${JAILED - freed} messages are still locked by clients that are gone`));
  for (let index = 0; index < SESSIONS; index++) {
    await bus
      .acceptSession('sessions', `session-${index}`)
      .then((session) => session.close())
      .catch((error: unknown) => void left.push(`session-${index} is still held: ${String(error)}`));
  }
  await bus.close();
  return left;
}

/** Has a crowd of hostile clients at a broker while others use it, and says what these and the broker could tell of it. */
export async function abuseBroker(options: AbuseOptions): Promise<AbuseResult> {
  const { dataDir, seconds, connections, atLeast = 0, seed, progress } = options;
  const broker = await startAbusedBroker(dataDir);
  const { port, connectionString } = broker;
  await fill(connectionString);
  const order: HostileOrder = { role: 'crowd', port, connectionString, connections, seconds, atLeast, seed };
  const most = { connections: 0, links: 0, memoryBytes: 0 };
  const stopSampling = every(systemClock, SAMPLE_MS, async () => {
    const now = await broker.status().catch(() => undefined);
    if (now === undefined) return;
    for (const name of ['connections', 'links', 'memoryBytes'] as const) most[name] = Math.max(most[name], now[name]);
    progress?.(`${now.connections} connections, ${now.links} links, ${Math.round(now.memoryBytes / 2 ** 20)} MiB`);
  });

  const wellBehaved = startWellBehaved(connectionString);
  const endPeers = await startStoppedPeers(order);
  const crowd = await startProcess(order);
  const [report] = (await Promise.race([
    once(crowd, 'message'),
    once(crowd, 'exit').then(() => [{ done: {}, failures: ['the hostile clients ended by themselves'] }]),
  ])) as [HostileReport];
  await endPeers();
  const { sendMs, troubles, ...figures } = await wellBehaved.finish();
  stopSampling();

  const left = await leftBehind(broker);
  const code = await broker.stop();
  const memory = most.memoryBytes > MAX_MEMORY_BYTES ? [`the broker took ${most.memoryBytes} bytes of memory`] : [];
  const stopped = code === 0 ? [] : [`the broker ended with ${code}`];
  const at = (share: number) => Math.round(sendMs[Math.floor((sendMs.length - 1) * share)] ?? 0);
  return {
    hostile: report.done,
    ...figures,
    mostConnections: most.connections,
    mostLinks: most.links,
    mostMemoryBytes: most.memoryBytes,
    sendMs: { median: at(0.5), p99: at(0.99), longest: at(1) },
    violations: [...report.failures, ...troubles, ...left, ...memory, ...stopped, ...broker.errors],
  };
}
