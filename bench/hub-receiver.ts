import { EventHubConsumerClient, type ReceivedEventData } from '@azure/event-hubs';
import { Redis } from 'ioredis';
import type { ReceiveOptions, ReceiveResult } from './lib/hub-receiver.js';

/** As the aggregators read. */
const READING = { maxBatchSize: 32, prefetchCount: 64, maxWaitTimeInSeconds: 2, skipParsingBodyAsJson: true } as const;

/** Takes a backlog from a hub with the SDK and does next to nothing with it, in a process of its own. */
process.once('message', async ({ connectionString, hub, redisUrl }: ReceiveOptions) => {
  const client = new EventHubConsumerClient('$Default', connectionString, hub);
  const redis = redisUrl === undefined ? undefined : new Redis(redisUrl);
  const handle = redis === undefined ? async () => {} : countEach(redis);
  const partitionIds = await client.getPartitionIds();
  let packs = 0;
  for (const id of partitionIds) packs += (await client.getPartitionProperties(id)).lastEnqueuedSequenceNumber + 1;

  let first: { readonly atMs: number; readonly packs: number } | undefined;
  let taken = 0;
  const result = await new Promise<ReceiveResult>((resolve, reject) => {
    client.subscribe(
      {
        processEvents: async (events) => {
          await handle(events);
          taken += events.length;
          const atMs = performance.now();
          if (events.length > 0) first ??= { atMs, packs: taken };
          if (taken < packs || first === undefined) return;
          resolve({ share: (taken - first.packs) / packs, ms: atMs - first.atMs });
        },
        processError: async (error) => reject(error),
      },
      { ...READING, startPosition: { offset: '-1' } },
    );
  });
  const { user, system } = process.cpuUsage();
  const answer: ReceiveResult & { cpuSeconds: number } = { ...result, cpuSeconds: (user + system) / 1e6 };
  process.send?.(answer, () => process.exit(0));
});

/** What one writes first: a counter in Redis for each page, raised for each event. */
function countEach(redis: Redis) {
  return async (packs: readonly ReceivedEventData[]) => {
    const raised: Promise<number>[] = [];
    for (const { body } of packs) {
      const events = JSON.parse(Buffer.from(body as Uint8Array).toString()) as { data: { page: { path: string } } }[];
      for (const event of events) raised.push(redis.incr(`views:${event.data.page.path}`));
    }
    await Promise.all(raised);
  };
}
