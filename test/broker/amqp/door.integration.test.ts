import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { ServiceBusClient } from '@azure/service-bus';
import rhea, { type Connection } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker, testTopology } from '../../helpers/broker.js';
import { createPassingClock } from '../../helpers/passing-clock.js';

const ROOT = 'RootManageSharedAccessKey';
const SASL = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');
const AMQP = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');
const ANONYMOUS = Buffer.from([
  0,
  0,
  0,
  0x19,
  2,
  1,
  0,
  0,
  0,
  0x53,
  0x41,
  0xc0,
  12,
  1,
  0xa3,
  9,
  ...Buffer.from('ANONYMOUS'),
]);
const OPEN = Buffer.from([0, 0, 0, 0x12, 2, 0, 0, 0, 0, 0x53, 0x10, 0xc0, 5, 1, 0xa1, 2, 0x6d, 0x65]);
const BEGIN = Buffer.from([0, 0, 0, 0x12, 2, 0, 0, 0, 0, 0x53, 0x11, 0xc0, 5, 4, 0x40, 0x43, 0x43, 0x43]);

const keyOf = (connectionString: string) => /SharedAccessKey=([^;]+)/.exec(connectionString)?.[1] ?? '';

/** Everything that the broker says until it ends the connection. */
function hear(port: number, ...parts: Buffer[]): Promise<Buffer> {
  return new Promise((resolve) => {
    const heard: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat(parts)));
    socket.on('data', (chunk) => heard.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(heard)));
  });
}

describe('a connection that', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker(testTopology, {
      connectionTimes: { handshakeMs: 1500, tokenMs: 1500, idleTimeOutMs: 1000 },
    });
  });
  afterAll(() => broker.remove());

  it('does not get through the handshake in time is ended, wherever it stops', async () => {
    const stops = [
      [SASL],
      [SASL, ANONYMOUS.subarray(0, 9)],
      [SASL, ANONYMOUS, AMQP],
      [SASL, ANONYMOUS, AMQP, OPEN.subarray(0, 10)],
    ];
    const heard = await Promise.all(stops.map((parts) => hear(broker.port, ...parts)));
    expect(heard.every((bytes) => bytes.subarray(0, 8).equals(SASL))).toBe(true);
  });

  it('puts no valid token is told so and ended', async () => {
    const heard = (await hear(broker.port, SASL, ANONYMOUS, AMQP, OPEN, BEGIN)).toString('latin1');
    expect(heard).toContain('amqp:connection:forced');
    expect(heard).toContain('no valid token was put to $cbs');
  });

  it('falls silent is ended, while one that says only that it is there stays', async () => {
    const container = rhea.create_container({ id: 'alive' });
    const password = keyOf(broker.connectionString);
    const settings = { host: '127.0.0.1', port: broker.port, username: ROOT, password, reconnect: false };
    const alive = container.connect(settings as never);
    await once(alive as never, 'connection_open');
    const plain = Buffer.from(`\0${ROOT}\0${password}`);
    const body = [
      0,
      0x53,
      0x41,
      0xc0,
      10 + plain.length,
      2,
      0xa3,
      5,
      ...Buffer.from('PLAIN'),
      0xa0,
      plain.length,
      ...plain,
    ];
    const init = Buffer.from([0, 0, 0, 8 + body.length, 2, 1, 0, 0, ...body]);
    const heard = (await hear(broker.port, SASL, init, AMQP, OPEN)).toString('latin1');
    expect(heard).toContain('max idle time exceeded');
    expect(alive.is_open()).toBe(true);
    alive.close();
  });

  it('announces what cannot be kept is told why', async () => {
    const fields = [0xa1, 2, 0x6d, 0x65, 0x40, 0x40, 0x40, 0x52, 1];
    const idle = Buffer.from([0, 0, 0, 0x17, 2, 0, 0, 0, 0, 0x53, 0x10, 0xc0, 10, 5, ...fields]);
    const heard = (await hear(broker.port, SASL, ANONYMOUS, AMQP, idle)).toString('latin1');
    expect(heard).toContain('amqp:not-allowed');
    expect(heard).toContain('idle-time-out');
  });

  it('wants another protocol is told the one that is spoken', async () => {
    const heard = await hear(broker.port, Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'));
    expect(heard).toEqual(SASL);
  });
});

describe('the frames of the broker', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startTestBroker();
  });
  afterAll(() => broker.remove());

  it('have all fields of their performatives, those of errors and termini too', async () => {
    const heard: Buffer[] = [];
    const proxy = createServer((client) => {
      const upstream = connect(broker.port, '127.0.0.1');
      upstream.on('data', (chunk) => heard.push(chunk));
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) socket.on('error', () => {});
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as { port: number };
    const client = new ServiceBusClient(broker.connectionString.replace(`:${broker.port}`, `:${port}`));
    await client.createSender('events').sendMessages({ body: 'x' });
    const receiver = client.createReceiver('events', 'audit');
    for (const message of await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 }))
      await receiver.completeMessage(message);
    await expect(client.createSender('nowhere').sendMessages({ body: 'x' })).rejects.toThrow(/could not be found/);
    await client.close();
    proxy.close();

    const bytes = Buffer.concat(heard);
    const counts = new Map<number, Set<number>>();
    for (let at = bytes.indexOf(AMQP) + 8; at < bytes.length; at += bytes.readUInt32BE(at)) {
      if (bytes.readUInt32BE(at) === 8) continue;
      const code = bytes.readUInt8(at + 10);
      expect([0xc0, 0xd0]).toContain(bytes[at + 11]);
      const count = bytes[at + 11] === 0xd0 ? bytes.readUInt32BE(at + 16) : bytes.readUInt8(at + 13);
      counts.set(code, (counts.get(code) ?? new Set()).add(count));
    }
    const fields = { 16: [10], 17: [8], 18: [14], 19: [11], 20: [11], 21: [6], 22: [3], 23: [1], 24: [1] };
    expect(Object.fromEntries([...counts].map(([code, found]) => [code, [...found]]))).toEqual(fields);
    // An error: descriptor 0x1d, then a list of three.
    const error = bytes.indexOf(Buffer.from([0x00, 0x53, 0x1d, 0xd0]));
    expect(bytes.readUInt32BE(error + 8)).toBe(3);
  });
});

describe('the rights of keys', () => {
  const clock = createPassingClock();
  let broker: TestBroker;
  const rights: Record<string, string> = {};
  beforeAll(async () => {
    const rule = (name: 'Send' | 'Listen', scope: string) => ({ name, scope, rights: [name] });
    broker = await startTestBroker(
      {
        ...testTopology,
        authorizationRules: [rule('Send', 'events'), rule('Listen', 'events'), rule('Send', 'clicks')],
      },
      { clock },
    );
    const file = JSON.parse(readFileSync(join(broker.dataDir, 'broker', 'security', 'access-keys.json'), 'utf8'));
    for (const id of ['events/Send', 'events/Listen', 'clicks/Send']) {
      const name = id.split('/')[1];
      const secret = `SharedAccessKeyName=${name};SharedAccessKey=${file[id].key}`;
      rights[id] = broker.connectionString.replace(/SharedAccessKeyName=.*;(?=Use)/, `${secret};`);
    }
  });
  afterAll(() => broker.remove());
  const client = (id: string) => new ServiceBusClient(rights[id] ?? '', { retryOptions: { maxRetries: 0 } });

  it('are held by links and management requests, each in the words of the service', async () => {
    const sending = client('events/Send');
    await sending.createSender('events').sendMessages({ body: 'x' });
    await expect(sending.createReceiver('events', 'audit').receiveMessages(1)).rejects.toMatchObject({
      code: 'UnauthorizedAccess',
      message: expect.stringContaining("'Listen' claim(s) are required"),
    });
    await expect(sending.createReceiver('events', 'audit').peekMessages(1)).rejects.toMatchObject({
      code: 'UnauthorizedAccess',
      message: expect.stringContaining("'Listen' claim(s) are required"),
    });
    await sending.close();

    const listening = client('events/Listen');
    expect(await listening.createReceiver('events', 'audit').receiveMessages(1)).toHaveLength(1);
    await expect(listening.createSender('events').sendMessages({ body: 'x' })).rejects.toMatchObject({
      code: 'UnauthorizedAccess',
      message: expect.stringContaining("'Send' claim(s) are required"),
    });
    await expect(
      listening.createRuleManager('events', 'audit').createRule('r', { sqlExpression: '1=1' } as never),
    ).rejects.toMatchObject({
      message: expect.stringContaining("'Manage' claim(s) are required"),
    });
    await listening.close();
  });

  it('of one entity are none of another', async () => {
    const other = new EventHubProducerClient(rights['events/Send'] ?? '', 'clicks', {
      retryOptions: { maxRetries: 0 },
    });
    await expect(other.sendBatch([{ body: 'x' }])).rejects.toMatchObject({ code: 'UnauthorizedError' });
    await other.close();
    const own = new EventHubProducerClient(rights['clicks/Send'] ?? '', 'clicks');
    await own.sendBatch([{ body: 'x' }]);
    expect(await own.getPartitionIds()).toHaveLength(4);
    await own.close();
  });

  /** Puts a token that ends after `seconds`; resolves with the status. */
  async function putToken(connection: Connection, audience: string, seconds: number): Promise<number> {
    const resource = encodeURIComponent(audience);
    const end = Math.floor(clock.now() / 1000) + seconds;
    const signature = createHmac('sha256', keyOf(broker.connectionString))
      .update(`${resource}\n${end}`)
      .digest('base64');
    const receiver = connection.open_receiver({ source: { address: '$cbs' } });
    const sender = connection.open_sender({ target: { address: '$cbs' } });
    await new Promise((resolve) => sender.once('sendable', resolve));
    const answer = new Promise<number>((resolve) =>
      receiver.once('message', ({ message }) => resolve(message?.application_properties?.['status-code'])),
    );
    sender.send({
      reply_to: receiver.name,
      application_properties: { operation: 'put-token', name: audience, type: 'servicebus.windows.net:sastoken' },
      body: `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${end}&skn=${ROOT}`,
    } as never);
    return answer;
  }

  it('end with their token: its links are closed, and one with a new token may be opened', async () => {
    const container = rhea.create_container({ id: 'short' });
    const connection = container.connect({ host: '127.0.0.1', port: broker.port, username: 'any', reconnect: false });
    expect(await putToken(connection, 'amqp://LOCALHOST/Events/', 60)).toBe(202);
    const sender = connection.open_sender({ target: { address: 'events' } });
    const fault = new Promise<{ condition?: string; description?: string }>((resolve) =>
      sender.once('sender_error', () => resolve(sender.error as never)),
    );
    await new Promise((resolve) => sender.once('sendable', resolve));
    clock.pass(60_000);
    expect(await fault).toMatchObject({
      condition: 'amqp:unauthorized-access',
      description: expect.stringContaining('ExpiredToken'),
    });
    expect(await putToken(connection, 'https://localhost/events', -1)).toBe(401);
    expect(await putToken(connection, 'https://localhost/events', 60)).toBe(202);
    const again = connection.open_sender({ name: 'again', target: { address: 'events' } });
    await new Promise((resolve) => again.once('sendable', resolve));
    connection.close();
  });
});
