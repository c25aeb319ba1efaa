import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, startTestBroker, type TestBroker } from '../helpers/broker.js';
import {
  type AtomAnswer,
  atom,
  createHubClients,
  type HubClients,
  holdReceiver,
  readEvents,
  sendTo,
} from '../helpers/hub-clients.js';

const topology = { queues: [], topics: [], hubs: [hub('clicks', { consumerGroups: ['readers'] })] };
const XMLNS = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';
const hubDescription = (fields = '') => `<EventHubDescription xmlns="${XMLNS}">${fields}</EventHubDescription>`;
const groupDescription = (fields = '') =>
  `<ConsumerGroupDescription xmlns="${XMLNS}">${fields}</ConsumerGroupDescription>`;

const field = (text: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
const titles = ({ text }: AtomAnswer) =>
  [...text.matchAll(/<entry>.*?<title type="text">([^<]*)<\/title>/gs)].map(([, title]) => title);

describe('hubs and consumer groups at run time', () => {
  let broker: TestBroker;
  let clients: HubClients;

  beforeAll(async () => {
    broker = await startTestBroker(topology);
    clients = createHubClients(broker.connectionString);
  });
  afterAll(async () => {
    await clients.close();
    await broker.remove();
  });

  const call = (path: string, options?: Parameters<typeof atom>[2]) => atom(broker.connectionString, path, options);
  const put = (path: string, description: string, update = false) => call(path, { method: 'PUT', description, update });
  const remove = (path: string) => call(path, { method: 'DELETE' });

  it('a hub is made, shown, used and changed, and keeps its events', async () => {
    const made = await put(
      'orders',
      hubDescription('<MessageRetentionInDays>2</MessageRetentionInDays><PartitionCount>3</PartitionCount>'),
    );
    expect(made.status).toBe(201);
    expect(made.text.match(/<d2p1:string>\d<\/d2p1:string>/g)).toHaveLength(3);
    expect((await put('orders', hubDescription())).status).toBe(409);

    const producer = clients.producer('orders');
    expect(await producer.getPartitionIds()).toEqual(['0', '1', '2']);
    await sendTo(producer, '2', ['first']);

    const note = '<MessageRetentionInDays>5</MessageRetentionInDays><UserMetadata>mine</UserMetadata>';
    expect((await put('ORDERS', hubDescription(note), true)).status).toBe(200);
    const { text } = await call('orders');
    expect(field(text, 'MessageRetentionInDays')).toBe('5');
    expect(field(text, 'PartitionCount')).toBe('3');
    expect(field(text, 'UserMetadata')).toBe('mine');
    expect(field(text, 'Status')).toBe('Active');
    const [event] = await readEvents(clients.consumer('orders'), 1, { partitionId: '2' });
    expect(event?.body).toBe('first');
    expect(titles(await call('$Resources/EventHubs'))).toEqual(['clicks', 'orders']);
  });

  it('what the service would refuse is refused, by the name of what is wrong', async () => {
    const refused = async (path: string, fields: string, update = false) => {
      const { status, text } = await put(path, hubDescription(fields), update);
      return `${status} ${field(text, 'Detail')}`;
    };
    expect(await refused('many', '<PartitionCount>1025</PartitionCount>')).toMatch(/^400 .*partitionCount/);
    expect(await refused('old', '<MessageRetentionInDays>91</MessageRetentionInDays>')).toMatch(/^400 .*retention/);
    expect(await refused('none', '<PartitionCount>some</PartitionCount>')).toMatch(/^400 .*PartitionCount/);
    expect(await refused('-bad', '')).toMatch(/^400 .*a name has/);
    expect(await refused('clicks', '<PartitionCount>8</PartitionCount>', true)).toMatch(/^400 .*PartitionCount/);
    expect(await refused('odd', '<Status>Sleeping</Status>')).toMatch(/^400 .*Status/);
    expect(await refused('gone', '', true)).toMatch(/^404 /);
    expect(await refused('caught', '<CaptureDescription><Enabled>true</Enabled></CaptureDescription>')).toMatch(
      /^400 .*captureDescription\.destination/,
    );
    expect((await put('clicks/consumergroups/bad name', groupDescription())).status).toBe(400);
    expect((await put('gone/consumergroups/g', groupDescription())).status).toBe(404);
    expect((await call('clicks/consumergroups/gone')).status).toBe(404);
    expect((await remove('gone')).status).toBe(404);
    expect(titles(await call('gone'))).toEqual([]);
  });

  it('a consumer group is made and read in, and its readers end with it', async () => {
    await sendTo(clients.producer('clicks'), '0', ['one']);
    await expect(readEvents(clients.consumer('clicks', 'late'), 1)).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    });
    expect((await put('clicks/consumergroups/late', groupDescription())).status).toBe(201);
    expect((await put('clicks/ConsumerGroups/LATE', groupDescription())).status).toBe(409);
    expect(titles(await call('clicks/consumergroups'))).toEqual(['$Default', 'late', 'readers']);
    expect((await readEvents(clients.consumer('clicks', 'late'), 1))[0]?.body).toBe('one');

    const update = groupDescription('<UserMetadata>whose</UserMetadata>');
    expect((await put('clicks/consumergroups/late', update, true)).status).toBe(200);
    expect(field((await call('clicks/consumergroups/late')).text, 'UserMetadata')).toBe('whose');

    const reader = await holdReceiver(clients.consumer('clicks', 'late'));
    expect((await remove('clicks/consumergroups/late')).status).toBe(200);
    expect(await reader.lost).toMatchObject({ code: 'MessagingEntityNotFoundError' });
    await reader.close();
    expect((await remove('clicks/consumergroups/$Default')).status).toBe(400);
  });

  it('partitions are shown as they are', async () => {
    await put('shown', hubDescription('<PartitionCount>2</PartitionCount>'));
    await sendTo(clients.producer('shown'), '1', [1, 2, 3]);
    expect(titles(await call('shown/consumergroups/$Default/partitions'))).toEqual(['0', '1']);
    const { text } = await call('shown/consumergroups/$Default/partitions/1');
    expect(field(text, 'BeginSequenceNumber')).toBe('0');
    expect(field(text, 'EndSequenceNumber')).toBe('2');
    expect(field(text, 'LastEnqueuedOffset')).toBe('2');
    expect((await call('shown/consumergroups/$Default/partitions/2')).status).toBe(404);
  });

  it('a hub that is switched off takes and gives nothing, until it is switched on again', async () => {
    await put('switch', hubDescription());
    const producer = clients.producer('switch');
    await sendTo(producer, '0', ['before']);
    const reader = await holdReceiver(clients.consumer('switch'));
    expect((await put('switch', hubDescription('<Status>Disabled</Status>'), true)).status).toBe(200);
    expect(await reader.lost).toMatchObject({ message: expect.stringContaining('currently disabled') as string });
    await reader.close();
    await expect(sendTo(producer, '0', ['during'])).rejects.toMatchObject({ code: 'MessagingEntityDisabledError' });
    await expect(readEvents(clients.consumer('switch'), 1)).rejects.toMatchObject({
      code: 'MessagingEntityDisabledError',
    });
    await put('switch', hubDescription('<Status>SendDisabled</Status>'), true);
    expect((await readEvents(clients.consumer('switch'), 1))[0]?.body).toBe('before');
    await expect(sendTo(clients.producer('switch'), '0', ['during'])).rejects.toMatchObject({
      code: 'MessagingEntityDisabledError',
    });
    await put('switch', hubDescription('<Status>Active</Status>'), true);
    await sendTo(clients.producer('switch'), '0', ['after']);
    const events = await readEvents(clients.consumer('switch'), 2);
    expect(events.map(({ body }) => body)).toEqual(['before', 'after']);
  });

  it('a hub that is deleted takes its readers and its events along', async () => {
    await put('brief', hubDescription('<PartitionCount>1</PartitionCount>'));
    await sendTo(clients.producer('brief'), '0', ['lost']);
    const reader = await holdReceiver(clients.consumer('brief'));
    expect((await remove('brief')).status).toBe(200);
    await reader.lost;
    await reader.close();
    await expect(readEvents(clients.consumer('brief'), 1)).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    });
    expect((await put('brief', hubDescription('<PartitionCount>1</PartitionCount>'))).status).toBe(201);
    expect(await clients.producer('brief').getPartitionProperties('0')).toMatchObject({
      isEmpty: true,
      lastEnqueuedSequenceNumber: -1,
    });
  });

  it('what was made stays over a restart, also where the file has changed', async () => {
    await put('kept', hubDescription('<PartitionCount>1</PartitionCount>'));
    await put('kept/consumergroups/mine', groupDescription('<UserMetadata>note</UserMetadata>'));
    await put('clicks/consumergroups/added', groupDescription());
    await sendTo(clients.producer('kept'), '0', ['kept']);
    await clients.close();
    await broker.stop();
    const changed = hub('clicks', { consumerGroups: ['readers', 'new'], retentionMs: 3_600_000 });
    broker = await startTestBroker({ ...topology, hubs: [changed] }, { dataDir: broker.dataDir });
    clients = createHubClients(broker.connectionString);
    expect((await readEvents(clients.consumer('kept', 'mine'), 1))[0]?.body).toBe('kept');
    expect(field((await call('kept/consumergroups/mine')).text, 'UserMetadata')).toBe('note');
    expect(titles(await call('clicks/consumergroups'))).toEqual(['$Default', 'added', 'new', 'readers']);
  });
});
