import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from '@azure/service-bus';
import { afterEach, beforeEach } from 'vitest';
import { type BrokerProcess, startBrokerProcess } from './broker-process.js';
import { waitFor } from './wait.js';

/** A broker process and a client of it, new for each test of a suite, which can be killed and started on the same data. */
export function useKillableBroker() {
  let dataDir: string;
  let broker: BrokerProcess;
  let client: ServiceBusClient;
  const start = async () => {
    broker = await startBrokerProcess(dataDir);
    client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  };
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'penstock-crash-'));
    await start();
  });
  afterEach(async () => {
    await client.close();
    await broker.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    get broker() {
      return broker;
    },
    get client() {
      return client;
    },
    async killAndStart() {
      await broker.kill();
      await client.close().catch(() => {});
      await start();
    },
    receiveOne: (receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> =>
      waitFor('a message', async () => (await receiver.receiveMessages(1, { maxWaitTimeInMs: 500 }))[0]),
  };
}
