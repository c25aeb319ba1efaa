import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BrokerStatus } from '../../../src/broker/index.js';
import { register } from '../../../src/cli/broker.js';
import { queueSettings, startTestBroker, type TestBroker, testTopology } from '../../helpers/broker.js';

const queue = (name: string, requiresDuplicateDetection = false) => ({
  name,
  ...queueSettings,
  maxDeliveryCount: 1,
  requiresDuplicateDetection,
  duplicateDetectionHistoryTimeWindowMs: 600_000,
});

let broker: TestBroker;
let bus: ServiceBusClient;

beforeAll(async () => {
  const queues = [queue('jobs'), queue('spare'), queue('once', true), { ...queue('talks'), requiresSession: true }];
  broker = await startTestBroker({ ...testTopology, queues });
  bus = new ServiceBusClient(broker.connectionString);
  mkdirSync(join(broker.dataDir, 'broker'), { recursive: true });
  const { connectionString, caFile } = broker;
  writeFileSync(join(broker.dataDir, 'broker', 'endpoint.json'), JSON.stringify({ connectionString, caFile }));
});
afterAll(async () => {
  await bus.close();
  await broker.remove();
});
afterEach(() => void vi.restoreAllMocks());

/** What `penstock broker …` prints. */
async function penstockBroker(...args: string[]): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  const command = new Command('broker').exitOverride().configureOutput({ writeErr: () => {} });
  register(command);
  try {
    await command.parseAsync([...args, '--data-dir', broker.dataDir], { from: 'user' });
    return out;
  } finally {
    vi.restoreAllMocks();
  }
}

async function sendAndDeadLetter(queueName: string, ids: readonly string[], reason: string): Promise<void> {
  const sender = bus.createSender(queueName);
  await sender.sendMessages(
    ids.map((id) => ({ messageId: id, body: { id }, subject: 's', applicationProperties: { kind: 'test' } })),
  );
  const receiver = bus.createReceiver(queueName, { maxAutoLockRenewalDurationInMs: 0 });
  for (let left = ids.length; left > 0; left--) {
    const [message] = await receiver.receiveMessages(1);
    if (!message) throw new Error('a message was expected');
    await receiver.deadLetterMessage(message, { deadLetterReason: reason, deadLetterErrorDescription: 'by a test' });
  }
  await Promise.all([receiver.close(), sender.close()]);
}

const statusOf = async (name: string) =>
  (JSON.parse(await penstockBroker('status', '--json')) as BrokerStatus).queues.find((one) => one.name === name);

async function receive(name: string, count: number) {
  const receiver = bus.createReceiver(name, { receiveMode: 'receiveAndDelete' });
  const messages = [];
  while (messages.length < count) messages.push(...(await receiver.receiveMessages(count - messages.length)));
  await receiver.close();
  return messages;
}

describe('penstock broker', () => {
  it('status shows entities, dead letters and hubs', async () => {
    await sendAndDeadLetter('jobs', ['a', 'b', 'c'], 'odd');
    const text = await penstockBroker('status');
    expect(text).toMatch(/^jobs +0 +0 +0 +3 /m);
    expect(text).toMatch(/^clicks\/3 +0 +- +never +-$/m);
    expect(text).toMatch(/^clicks +\$Default, aggregators, archive, replay$/m);
  });

  it('peek shows dead letters with their reason, and leaves them', async () => {
    const text = await penstockBroker('peek', 'jobs', '--dead-letter', '--count', '2');
    expect(text.match(/^#/gm)).toHaveLength(2);
    expect(text).toContain('{"id":"a"}');
    const lines = (await penstockBroker('peek', 'jobs', '--dead-letter', '--json', '--from-sequence', '2')).trim();
    const seen = lines.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(seen).toMatchObject([
      { messageId: 'b', body: { json: { id: 'b' } }, applicationProperties: { DeadLetterReason: 'odd', kind: 'test' } },
      { messageId: 'c' },
    ]);
    expect((await statusOf('jobs'))?.counts).toMatchObject({ deadLetter: 3 });
  });

  it('peek shows the events of a partition', async () => {
    const producer = new EventHubProducerClient(broker.connectionString, 'clicks');
    await producer.sendBatch([{ body: 1 }, { body: 2 }, { body: { n: 3 } }], { partitionId: '1' });
    await producer.close();
    const [seen] = (await penstockBroker('peek', 'clicks/1', '--count', '1')).split('\n').slice(1);
    expect(seen?.trim()).toBe('offset = 0');
    const text = await penstockBroker('peek', 'clicks/1', '--from-sequence', '1', '--json');
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { sequenceNumber: '1', body: { json: 2 } },
      { sequenceNumber: '2', body: { json: { n: 3 } } },
    ]);
    expect(await penstockBroker('peek', 'clicks/1', '--from-sequence', '3')).toBe('');
  });

  it('resubmit sends dead letters of one reason again, as they were', async () => {
    await sendAndDeadLetter('jobs', ['d'], 'even');
    expect(await penstockBroker('resubmit', 'jobs', '--reason', 'odd')).toBe(
      '3 of 4 dead letters sent to jobs, 1 left where they are\n',
    );
    const messages = await receive('jobs', 3);
    expect(messages.map(({ messageId }) => messageId)).toEqual(['a', 'b', 'c']);
    expect(messages[0]).toMatchObject({ body: { id: 'a' }, subject: 's', applicationProperties: { kind: 'test' } });
    expect(messages[0]?.applicationProperties).toEqual({ kind: 'test' });
    expect(await penstockBroker('resubmit', 'jobs', '--to', 'spare')).toContain('1 of 1 dead letters sent to spare');
    expect((await receive('spare', 1))[0]).toMatchObject({ messageId: 'd' });
  });

  it('resubmit loses nothing to the detection of duplicates', async () => {
    await sendAndDeadLetter('once', ['e'], 'odd');
    expect(await penstockBroker('resubmit', 'once')).toContain('once detects duplicates');
    expect((await receive('once', 1))[0]).toMatchObject({ messageId: 'e-resubmitted-1', body: { id: 'e' } });
    expect((await statusOf('once'))?.counts).toMatchObject({ active: 0, deadLetter: 0 });
  });

  it('purge removes what it is told to, and only when somebody says yes', async () => {
    await sendAndDeadLetter('jobs', ['f', 'g'], 'odd');
    await bus.createSender('jobs').sendMessages({ body: 'h' });
    await expect(penstockBroker('purge', 'jobs')).rejects.toMatchObject({ code: 'PS_BROKER_UNCONFIRMED' });
    expect(await penstockBroker('purge', 'jobs', '--yes')).toBe('2 dead letters removed\n');
    expect((await statusOf('jobs'))?.counts).toMatchObject({ active: 1, deadLetter: 0 });
    expect(await penstockBroker('purge', 'jobs', '--yes', '--all')).toBe('1 active messages removed\n');
    expect(await penstockBroker('purge', 'jobs', '--yes', '--all')).toBe(
      'jobs has no dead letters, active messages, transfer dead letters\n',
    );
  });

  it('a command that there is none of is refused with those that there are, and starts no broker', async () => {
    await expect(penstockBroker('stauts')).rejects.toMatchObject({
      message: expect.stringMatching(/unknown command 'stauts'.*status, peek, resubmit, purge, repair/),
    });
  });

  it('purge takes one session of a queue after the other', async () => {
    const sender = bus.createSender('talks');
    await sender.sendMessages(['a', 'b', 'a'].map((sessionId, body) => ({ sessionId, body })));
    expect(await penstockBroker('purge', 'talks', '--all', '--yes')).toBe('3 active messages removed\n');
    expect((await statusOf('talks'))?.counts).toMatchObject({ active: 0 });
  });

  it('says what is wrong', async () => {
    await expect(penstockBroker('peek', 'nowhere')).rejects.toMatchObject({ code: 'PS_BROKER_ENTITY' });
    await expect(penstockBroker('purge', 'clicks/0', '--yes')).rejects.toMatchObject({ code: 'PS_BROKER_ENTITY' });
    const closed = 'Endpoint=sb://localhost:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true';
    await expect(penstockBroker('status', '--connection-string', closed)).rejects.toMatchObject({
      code: 'PS_BROKER_UNREACHABLE',
    });
    const stranger = broker.connectionString.replace(/SharedAccessKey=[^;]*/, 'SharedAccessKey=c3RyYW5nZXI=');
    await expect(penstockBroker('status', '--connection-string', stranger)).rejects.toMatchObject({
      code: 'PS_BROKER_UNREACHABLE',
      message: expect.stringContaining('401'),
    });
  });
});
