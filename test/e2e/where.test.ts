import { EventHubConsumerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../helpers/wait.js';
import { takeOrders } from './support/orders.js';
import { type RunningInstance, startInstance } from './support/penstock.js';

interface Result {
  readonly id: string;
  readonly outcome: string;
  readonly durability?: string;
}

interface Outcome {
  readonly outcome: string;
  readonly durability?: string;
  readonly spool?: string;
  readonly destination?: string;
  readonly messageId?: string;
  readonly position?: { readonly partition: string; readonly sequenceNumber: number; readonly index: number };
}

let instance: RunningInstance;
beforeAll(async () => {
  instance = await startInstance();
});
afterAll(async () => {
  await instance.stop();
  instance.remove();
});

async function post(...events: object[]): Promise<readonly Result[]> {
  const response = await fetch(`${instance.endpoints.gateway}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${instance.endpoints.writeKey}` },
    body: JSON.stringify(events),
  });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return ((await response.json()) as { results: Result[] }).results;
}

const lookUp = (id: string) => fetch(`${instance.endpoints.admin}/api/events/${encodeURIComponent(id)}`);

async function outcomesOf(id: string): Promise<readonly Outcome[]> {
  const response = await lookUp(id);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return ((await response.json()) as { outcomes: Outcome[] }).outcomes;
}

/** The id of the event that the hub has at a position, read by the SDK alone. */
async function idAt({
  partition,
  sequenceNumber,
  index,
}: NonNullable<Outcome['position']>): Promise<string | undefined> {
  const client = new EventHubConsumerClient('replay', instance.endpoints.eventHubsConnectionString, 'clicks');
  const pack = await new Promise<readonly { id: string }[]>((resolve, reject) => {
    client.subscribe(
      partition,
      {
        processEvents: async ([first]) => {
          if (first !== undefined) resolve(first.body as { id: string }[]);
        },
        processError: async (error) => reject(error),
      },
      { startPosition: { sequenceNumber, isInclusive: true }, maxBatchSize: 1 },
    );
  });
  await client.close();
  return pack[index]?.id;
}

const click = (id: string) => ({ type: 'page_view', id, anonymousId: 'visitor-1' });
const order = { type: 'purchase', id: 'order/1 ü', transaction_id: 'T1', value: 1, currency: 'EUR' };

test('an event is found where it is: in its hub, as a message, in the spool and then delivered', async () => {
  expect((await post(click('a'), click('b'), order)).map(({ outcome }) => outcome)).toEqual(
    Array.from({ length: 3 }, () => 'accepted'),
  );
  const [found] = await outcomesOf('b');
  expect(found).toMatchObject({ outcome: 'accepted', durability: 'broker', destination: 'hub:clicks' });
  expect(found?.position && (await idAt(found.position))).toBe('b');
  expect(await outcomesOf(order.id)).toMatchObject([{ destination: 'topic:events', messageId: 'purchase:T1' }]);
  const unknown = await lookUp('never');
  expect([unknown.status, unknown.headers.get('content-type')]).toEqual([
    404,
    expect.stringContaining('application/problem+json') as string,
  ]);
  expect(await unknown.json()).toMatchObject({ code: 'PS_EVENT_UNKNOWN' });
  const empty = await lookUp('');
  expect(empty.status).toBe(400);
  expect(await empty.json()).toMatchObject({ code: 'PS_QUERY_INVALID' });

  process.kill(instance.pidOf('broker'), 'SIGSTOP');
  expect(await post(click('spooled'))).toMatchObject([{ outcome: 'accepted', durability: 'spool' }]);
  expect(await outcomesOf('spooled')).toMatchObject([{ durability: 'spool', spool: 'waiting' }]);
  process.kill(instance.pidOf('broker'), 'SIGCONT');
  const delivered = await waitFor('the event to be delivered', async () => {
    const [now] = await outcomesOf('spooled');
    return now?.spool === 'delivered' && typeof now.position === 'object' ? now.position : undefined;
  });
  expect(await idAt(delivered)).toBe('spooled');

  // What has been written down by now is known to the next process; what has not is known to topic and aggregators.
  process.kill(instance.pidOf('gateway'), 'SIGKILL');
  await waitFor('the gateway to be there again', () => instance.readyCount('gateway') === 2);
  const again = await waitFor('the gateway to take events', () => post(click('b'), order));
  expect(again[0]).toEqual({ id: 'b', outcome: 'duplicate' });
  expect(['accepted', 'duplicate']).toContain(again[1]?.outcome);
  expect(await takeOrders(instance.endpoints.serviceBusConnectionString)).toEqual(['purchase:T1']);
});
