import { createHmac } from 'node:crypto';
import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  earliestEventPosition,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs';
import { systemClock } from '../../src/shared/clock.js';

/** How long a client looks for more before it says that there is nothing. */
const MAX_WAIT_S = 0.2;

/** Event Hubs clients of one broker that are closed together. */
export interface HubClients {
  producer(hub: string): EventHubProducerClient;
  /** One attempt for each operation, so that a refusal is seen and not tried again. */
  consumer(hub: string, group?: string): EventHubConsumerClient;
  close(): Promise<void>;
}

export function createHubClients(connectionString: string): HubClients {
  const open: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(client: T): T => {
    open.push(client);
    return client;
  };
  const retryOptions = { maxRetries: 0 };
  return {
    producer: (hub) => keep(new EventHubProducerClient(connectionString, hub, { retryOptions })),
    consumer: (hub, group = '$Default') =>
      keep(new EventHubConsumerClient(group, connectionString, hub, { retryOptions })),
    async close() {
      for (const one of open) await one.close().catch(() => {});
    },
  };
}

export async function sendTo(producer: EventHubProducerClient, partitionId: string, bodies: readonly unknown[]) {
  const batch = await producer.createBatch({ partitionId });
  for (const body of bodies) if (!batch.tryAdd({ body })) throw new Error('the batch is full');
  await producer.sendBatch(batch);
}

export interface ReadFrom {
  readonly partitionId?: string;
  readonly startPosition?: EventPosition;
  readonly options?: Omit<SubscribeOptions, 'startPosition'>;
}

/** The first `count` events of a partition; rejects with the error of the receiver. */
export function readEvents(
  consumer: EventHubConsumerClient,
  count: number,
  { partitionId = '0', startPosition = earliestEventPosition, options }: ReadFrom = {},
): Promise<ReceivedEventData[]> {
  return new Promise((resolve, reject) => {
    const found: ReceivedEventData[] = [];
    const subscription = consumer.subscribe(
      partitionId,
      {
        processEvents: async (events) => {
          found.push(...events);
          if (found.length < count) return;
          await subscription.close();
          resolve(found);
        },
        processError: async (error) => {
          await subscription.close();
          reject(error);
        },
      },
      { maxWaitTimeInSeconds: MAX_WAIT_S, maxBatchSize: 100, ...options, startPosition },
    );
  });
}

/** A receiver that stays: resolves when it is attached (an empty or a full batch came), `lost` with what ended it. */
export async function holdReceiver(
  consumer: EventHubConsumerClient,
  { partitionId = '0', startPosition = earliestEventPosition, options }: ReadFrom = {},
): Promise<{ lost: Promise<{ code?: string; message: string }>; close(): Promise<void> }> {
  let attached = () => {};
  const ready = new Promise<void>((resolve) => {
    attached = resolve;
  });
  let subscription: { close(): Promise<void> } | undefined;
  const lost = new Promise<{ code?: string; message: string }>((resolve) => {
    subscription = consumer.subscribe(
      partitionId,
      { processEvents: async () => attached(), processError: async (error) => resolve(error as Error) },
      { maxWaitTimeInSeconds: MAX_WAIT_S, ...options, startPosition },
    );
  });
  await Promise.race([
    ready,
    lost.then((error) => {
      throw error;
    }),
  ]);
  return { lost, close: async () => subscription?.close() };
}

export interface AtomAnswer {
  readonly status: number;
  readonly text: string;
}

/** One request to the management API of Event Hubs, signed with the key of the connection string. */
export async function atom(
  connectionString: string,
  path: string,
  { method = 'GET', description, update = false }: { method?: string; description?: string; update?: boolean } = {},
): Promise<AtomAnswer> {
  const [, host = ''] = /Endpoint=sb:\/\/([^;/]+)/.exec(connectionString) ?? [];
  const [, name = ''] = /SharedAccessKeyName=([^;]+)/.exec(connectionString) ?? [];
  const [, key = ''] = /SharedAccessKey=([^;]+)/.exec(connectionString) ?? [];
  const resource = encodeURIComponent(`http://${host}/`);
  const expiry = Math.round(systemClock.now() / 1000) + 300;
  const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
  const token = `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${name}`;
  const body = `<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml">${description}</content></entry>`;
  const answer = await fetch(`http://${host}/${path}?api-version=2014-01`, {
    method,
    headers: { authorization: token, ...(update ? { 'if-match': '*' } : {}) },
    ...(description === undefined ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text() };
}
