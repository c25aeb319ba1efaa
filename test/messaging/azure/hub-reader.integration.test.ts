import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHubReader, type HubPublisher, type HubReader } from '../../../src/messaging/index.js';
import { hubHistory, replay } from '../../../src/query/index.js';
import { openPublisher } from '../../aggregators/pipeline.js';
import { startTestBroker, type TestBroker } from '../../helpers/broker.js';

let broker: TestBroker;
let publisher: HubPublisher;
let reader: HubReader;

beforeAll(async () => {
  broker = await startTestBroker();
  publisher = await openPublisher(broker.connectionString);
  reader = await createHubReader(
    { connectionString: broker.connectionString },
    { hub: 'clicks', consumerGroup: 'replay' },
  );
});
afterAll(async () => {
  await reader.close();
  await publisher.close();
  await broker.remove();
});

const send = (partition: number, ...ids: string[]) =>
  publisher.send(
    partition,
    ids.map((id) => Buffer.from(JSON.stringify([{ id }]))),
  );

async function idsOf(fromMs = 0, toMs = Number.POSITIVE_INFINITY): Promise<string[]> {
  let text = '';
  await replay(hubHistory(reader), { fromMs, toMs }, async (lines) => {
    text += lines;
  });
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { id: string }).id);
}

test('an empty hub has nothing to replay', async () => {
  expect(await reader.partitions()).toMatchObject([{ empty: true }, { empty: true }, { empty: true }, { empty: true }]);
  expect(await idsOf()).toEqual([]);
});

test('everything is read again, as often as one likes, in order; and from a time on', async () => {
  const before = Array.from({ length: 150 }, (_, index) => `a${index}`);
  await send(0, ...before);
  await send(2, 'b0', 'b1');
  expect(await idsOf()).toEqual([...before, 'b0', 'b1']);
  const facts = await reader.partitions();
  const laterMs = Math.max(...facts.map(({ lastEnqueuedAtMs }) => lastEnqueuedAtMs)) + 5;
  while (Date.now() < laterMs) await new Promise((resolve) => setImmediate(resolve));
  await send(0, 'later');
  expect(await idsOf()).toEqual([...before, 'later', 'b0', 'b1']);
  expect(await idsOf(laterMs)).toEqual(['later']);
  expect((await idsOf(0, laterMs)).filter((id) => id.startsWith('a'))).toEqual(before);
});

test('a consumer group that does not exist is refused', async () => {
  const other = await createHubReader(
    { connectionString: broker.connectionString },
    { hub: 'clicks', consumerGroup: 'nobody' },
  );
  const read = other.read('0', 0);
  await expect(read.next()).rejects.toMatchObject({ code: 'PS_CONSUME_REFUSED' });
  await other.close();
});
